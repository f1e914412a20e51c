package io.sparkllama4.architecture.planted.text.jinja;

/// Meant for its parent alone.
public record Inside() {}
