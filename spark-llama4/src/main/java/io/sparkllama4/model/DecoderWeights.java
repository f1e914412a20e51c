package io.sparkllama4.model;

import io.sparkllama4.backend.AttentionLayer;
import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.FeedForward;
import io.sparkllama4.backend.FeedForwardLayer;
import io.sparkllama4.backend.GatedMlp;
import io.sparkllama4.backend.MixtureLayer;
import io.sparkllama4.backend.ReadAhead;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Tensor;
import io.sparkllama4.tensor.TensorSpec;
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
    try (ReadAhead ahead =
        memory.isFilled() ? ReadAhead.NONE : backend.readAhead(linears(), form)) {
      return each(
          new Placing() {
            @Override
            public Linear linear(Linear stored, int parts, WeightForm asked) {
              ahead.next();
              return backend.place(stored, parts, asked, memory);
            }

            @Override
            public Tensor vector(Tensor stored) {
              return backend.place(stored, memory);
            }
          },
          form);
    }
  }

  /// All matrices in the order in which they are placed.
  private List<Linear> linears() {
    List<Linear> linears = new ArrayList<>();
    each(
        new Placing() {
          @Override
          public Linear linear(Linear stored, int parts, WeightForm asked) {
            linears.add(stored);
            return stored;
          }

          @Override
          public Tensor vector(Tensor stored) {
            return stored;
          }
        },
        WeightForm.STORED);
    return linears;
  }

  /// What [#placed] allocates, in its order.
  public List<TensorSpec> plan(Backend backend, WeightForm form) {
    List<TensorSpec> plan = new ArrayList<>();
    each(
        new Placing() {
          @Override
          public Linear linear(Linear stored, int parts, WeightForm asked) {
            plan.addAll(backend.plan(stored, parts, asked));
            return stored;
          }

          @Override
          public Tensor vector(Tensor stored) {
            plan.addAll(backend.plan(stored));
            return stored;
          }
        },
        form);
    return plan;
  }

  /// Bytes of these weights that lie in mapped files: a system that counts free memory counts their
  /// pages as free.
  public long mappedBytes() {
    long[] bytes = {mapped(embedding)};
    each(
        new Placing() {
          @Override
          public Linear linear(Linear stored, int parts, WeightForm asked) {
            for (Linear.Part part : stored.parts()) {
              bytes[0] += mapped(part.bias());
              bytes[0] += part.weight().values().data().isMapped() ? part.weight().bytes() : 0;
            }
            return stored;
          }

          @Override
          public Tensor vector(Tensor stored) {
            bytes[0] += mapped(stored);
            return stored;
          }
        },
        WeightForm.STORED);
    return bytes[0];
  }

  private static long mapped(Tensor tensor) {
    return tensor.data().isMapped() ? tensor.data().byteSize() : 0;
  }

  private DecoderWeights each(Placing placing, WeightForm form) {
    Layers visitor = new Layers(placing, form);
    List<Layer> placed = new ArrayList<>();
    for (Layer layer : layers) {
      placed.add(
          new Layer(
              visitor.attention(layer.attention()),
              switch (layer.feedForward()) {
                case FeedForwardLayer dense -> visitor.dense(dense);
                case MixtureLayer mixture -> visitor.mixture(mixture);
              }));
    }
    return new DecoderWeights(embedding, placed, placing.vector(norm), visitor.linear(head));
  }

  /// What is done with single weights, in the order in which they are used.
  private interface Placing {
    Linear linear(Linear stored, int parts, WeightForm asked);

    Tensor vector(Tensor stored);
  }

  /// One way through all weights.
  private record Layers(Placing placing, WeightForm form) {
    Linear linear(Linear stored) {
      return placing.linear(stored, stored.parts().size(), form);
    }

    AttentionLayer attention(AttentionLayer layer) {
      return new AttentionLayer(
          layer.spec(),
          placing.vector(layer.norm()),
          layer.epsilon(),
          linear(layer.query()),
          linear(layer.key()),
          linear(layer.value()),
          linear(layer.output()),
          layer.inverseFrequencies());
    }

    GatedMlp gated(GatedMlp mlp) {
      return new GatedMlp(placing.linear(mlp.gateUp(), 2, form), linear(mlp.down()));
    }

    FeedForwardLayer dense(FeedForwardLayer layer) {
      return new FeedForwardLayer(
          placing.vector(layer.norm()), layer.epsilon(), gated(layer.mlp()));
    }

    MixtureLayer mixture(MixtureLayer layer) {
      int routers = layer.router().parts().size();
      return new MixtureLayer(
          placing.vector(layer.norm()),
          layer.epsilon(),
          placing.linear(layer.router(), routers, WeightForm.STORED),
          layer.chosen(),
          layer.expertGateUp().stream().map(gateUp -> placing.linear(gateUp, 2, form)).toList(),
          layer.expertDown().stream().map(this::linear).toList(),
          layer.shared().stream().map(this::gated).toList());
    }
  }
}
