package io.sparkllama4.architecture.planted.backend.cuda;

/// Meant for the service loader.
public record Inside() {}
