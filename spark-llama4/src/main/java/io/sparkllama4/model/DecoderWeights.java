package io.sparkllama4.model;

import io.sparkllama4.backend.AttentionLayer;
import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.FeedForward;
import io.sparkllama4.backend.FeedForwardLayer;
import io.sparkllama4.backend.GatedMlp;
import io.sparkllama4.backend.MixtureLayer;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
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

  /// These weights where a backend reads them, each matrix in `form`. The table of embeddings,
  /// of which a step reads single rows, stays where it is stored.
  ///
  /// @param memory owns what is made
  public DecoderWeights placed(Backend backend, WeightForm form, Allocator memory) {
    Placing placing = new Placing(backend, form, memory);
    List<Layer> placed = new ArrayList<>();
    for (Layer layer : layers) {
      placed.add(
          new Layer(
              placing.attention(layer.attention()),
              switch (layer.feedForward()) {
                case FeedForwardLayer dense -> placing.dense(dense);
                case MixtureLayer mixture -> placing.mixture(mixture);
              }));
    }
    return new DecoderWeights(
        embedding, placed, backend.place(norm, memory), placing.linear(head));
  }

  /// One placement of all weights.
  private record Placing(Backend backend, WeightForm form, Allocator memory) {
    Linear linear(Linear stored) {
      return backend.place(stored, stored.parts().size(), form, memory);
    }

    AttentionLayer attention(AttentionLayer layer) {
      return new AttentionLayer(
          layer.spec(),
          backend.place(layer.norm(), memory),
          layer.epsilon(),
          linear(layer.query()),
          linear(layer.key()),
          linear(layer.value()),
          linear(layer.output()),
          layer.inverseFrequencies());
    }

    GatedMlp gated(GatedMlp mlp) {
      return new GatedMlp(backend.place(mlp.gateUp(), 2, form, memory), linear(mlp.down()));
    }

    FeedForwardLayer dense(FeedForwardLayer layer) {
      return new FeedForwardLayer(
          backend.place(layer.norm(), memory), layer.epsilon(), gated(layer.mlp()));
    }

    MixtureLayer mixture(MixtureLayer layer) {
      Linear router =
          backend.place(layer.router(), layer.router().parts().size(), WeightForm.STORED, memory);
      return new MixtureLayer(
          backend.place(layer.norm(), memory),
          layer.epsilon(),
          router,
          layer.chosen(),
          layer.expertGateUp().stream()
              .map(gateUp -> backend.place(gateUp, 2, form, memory))
              .toList(),
          layer.expertDown().stream().map(this::linear).toList(),
          layer.shared().stream().map(this::gated).toList());
    }
  }
}
