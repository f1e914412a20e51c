package io.sparkllama4.model;

import io.sparkllama4.backend.AttentionSpec;

/// One layer of a decoder, as data.
///
/// @param attention what its attention does
/// @param attentionBias whether the four projections of attention add a bias
/// @param feedForward what its second half does
public record LayerSpec(
    AttentionSpec attention, boolean attentionBias, FeedForwardSpec feedForward) {

  /// The second half of a layer.
  public sealed interface FeedForwardSpec {}

  /// One gated network.
  ///
  /// @param width its hidden elements
  public record Dense(int width) implements FeedForwardSpec {}

  /// A mixture of experts.
  ///
  /// @param experts number of routed experts
  /// @param chosen experts per token
  /// @param expertWidth hidden elements of a routed expert
  /// @param sharedWidth hidden elements of the expert that every token passes through
  public record Mixture(int experts, int chosen, int expertWidth, int sharedWidth)
      implements FeedForwardSpec {}
}
