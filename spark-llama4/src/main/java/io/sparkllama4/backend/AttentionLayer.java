package io.sparkllama4.backend;

import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Tensor;

/// An attention layer: its weights and what it does with them.
///
/// @param spec what it does
/// @param norm weight of the norm before it, `[H]`
/// @param epsilon added to the mean square in every norm of the layer
/// @param query `[Q*D, H]`
/// @param key `[K*D, H]`
/// @param value `[K*D, H]`
/// @param output `[H, Q*D]`
/// @param inverseFrequencies F32 `[D/2]`, radians per position of each rotated pair
public record AttentionLayer(
    AttentionSpec spec,
    Tensor norm,
    float epsilon,
    Linear query,
    Linear key,
    Linear value,
    Linear output,
    Tensor inverseFrequencies) {}
