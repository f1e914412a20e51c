package io.sparkllama4.model;

import io.sparkllama4.backend.AttentionLayer;
import io.sparkllama4.backend.FeedForward;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Tensor;
import java.util.List;

/// The weights of a decoder, where its backend reads them.
///
/// @param embedding `[V, H]`
/// @param layers first to last
/// @param norm weight of the final norm, `[H]`
/// @param head `[V, H]`
public record DecoderWeights(Tensor embedding, List<Layer> layers, Tensor norm, Linear head) {
  /// One layer.
  ///
  /// @param attention its first half
  /// @param feedForward its second half
  public record Layer(AttentionLayer attention, FeedForward feedForward) {}

  /// Copies the list.
  public DecoderWeights {
    layers = List.copyOf(layers);
  }
}
