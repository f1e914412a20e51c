package io.sparkllama4.architecture.planted.backend.cuda.ffi;

/// Meant for the backend.
public record Inside() {}
