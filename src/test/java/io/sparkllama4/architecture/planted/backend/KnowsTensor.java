package io.sparkllama4.architecture.planted.backend;

import io.sparkllama4.architecture.planted.tensor.KnowsBackend;

/// Imports along the arrow; a cycle all the same.
public record KnowsTensor(KnowsBackend downstream) {}
