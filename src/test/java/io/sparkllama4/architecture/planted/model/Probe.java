package io.sparkllama4.architecture.planted.model;

/// In the package that the kernels cannot see.
public interface Probe {}
