package io.sparkllama4.architecture.planted.tensor;

import io.sparkllama4.architecture.planted.backend.KnowsTensor;

/// Imports against the arrow, and closes a cycle.
public record KnowsBackend(java.util.List<KnowsTensor> upstream) {}
