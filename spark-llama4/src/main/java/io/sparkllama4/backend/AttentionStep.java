package io.sparkllama4.backend;

/// What the two attention stages of one layer need besides the layer.
///
/// @param tokens the tokens of the step
/// @param tables where keys and values of their sequences lie, in this layer's cache group
/// @param cache this layer's keys and values
/// @param buffers scratch memory
/// @param probe looks at intermediates
public record AttentionStep(
    StepTokens tokens, BlockTables tables, KvLayer cache, StepBuffers buffers, Probe probe) {}
