package io.sparkllama4.architecture.planted.engine;

import jdk.incubator.vector.FloatVector;

/// Vectors outside of the CPU backend.
public record UsesVectors(FloatVector lanes) {}
