package io.sparkllama4.architecture.planted.runtime;

import io.sparkllama4.architecture.planted.backend.cuda.Inside;

/// A device by name, and its driver.
public record KnowsCuda(
    Inside inside, io.sparkllama4.architecture.planted.backend.cuda.ffi.Inside driver) {}
