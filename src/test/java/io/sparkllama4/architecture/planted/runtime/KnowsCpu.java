package io.sparkllama4.architecture.planted.runtime;

import io.sparkllama4.architecture.planted.backend.cpu.Inside;

/// A device by name.
public record KnowsCpu(Inside inside) {}
