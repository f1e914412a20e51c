package io.sparkllama4.backend;

/// What makes two steps of single tokens alike, so that a device may replay one for the other: they
/// call the same kernels with the same sizes and addresses, and differ in what stands there.
///
/// @param tokens of the step, those that fill it up among them
/// @param longest as [StepTokens#longest]
/// @param memory changes whenever something that the step uses has moved
public record StepShape(int tokens, int longest, long memory) {}
