package io.sparkllama4.architecture.planted.backend.cpu;

/// Meant for the service loader.
public record Inside() {}
