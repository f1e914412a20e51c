package io.sparkllama4.backend;

import io.sparkllama4.tensor.Tensor;

/// A dense feed-forward layer.
///
/// @param norm weight of the norm before it, `[H]`
/// @param epsilon added to the mean square in the norm
/// @param mlp the network
public record FeedForwardLayer(Tensor norm, float epsilon, GatedMlp mlp) implements FeedForward {}
