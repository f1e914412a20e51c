package io.sparkllama4.architecture.planted.text.ffi;

/// Meant for its parent alone.
public record Inside() {}
