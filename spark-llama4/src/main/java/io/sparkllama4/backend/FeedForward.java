package io.sparkllama4.backend;

/// The second half of a decoder layer.
public sealed interface FeedForward permits FeedForwardLayer, MixtureLayer {}
