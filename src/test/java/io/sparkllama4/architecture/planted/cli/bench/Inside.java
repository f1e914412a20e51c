package io.sparkllama4.architecture.planted.cli.bench;

/// Meant for its parent alone.
public record Inside() {}
