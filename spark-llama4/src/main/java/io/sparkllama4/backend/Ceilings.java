package io.sparkllama4.backend;

/// What the machine can do at best, measured just now with all of a backend's threads: what a
/// benchmark's figures are shares of.
///
/// @param fp32Flops float32 additions and multiplications per second, in fused multiply-adds on
///     registers
/// @param readBytesPerSecond bytes read in order from memory that no cache holds
public record Ceilings(double fp32Flops, double readBytesPerSecond) {}
