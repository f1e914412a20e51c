package io.sparkllama4.weights;

/// Something odd about a checkpoint that does not keep it from working.
///
/// @param code what programs may look for, such as `STALE_ROPE_SCALING`
/// @param message what people should know
public record Warning(String code, String message) {}
