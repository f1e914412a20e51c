package io.sparkllama4.model;

import io.sparkllama4.backend.AttentionLayer;
import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.FeedForward;
import io.sparkllama4.backend.FeedForwardLayer;
import io.sparkllama4.backend.GatedMlp;
import io.sparkllama4.backend.MixtureLayer;
import io.sparkllama4.backend.Placement;
import io.sparkllama4.backend.ReadAhead;
import io.sparkllama4.backend.Span;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Tensor;
import io.sparkllama4.tensor.TensorSpec;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

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

  /// What a rank holds of these weights, where its backend reads it, each matrix in `form`. The
  /// table of embeddings, of which a step reads single rows, stays where it is stored.
  ///
  /// @param memory owns what is made
  public DecoderWeights placed(
      RankShare share, Backend backend, WeightForm form, Allocator memory) {
    try (ReadAhead ahead =
        memory.isFilled() ? ReadAhead.NONE : backend.readAhead(linears(share), form)) {
      return each(
          share,
          new Placing() {
            @Override
            public Linear linear(Linear stored, Placement where, int parts, WeightForm asked) {
              ahead.next();
              return backend.place(stored, where, parts, asked, memory);
            }

            @Override
            public Tensor vector(Tensor stored) {
              return backend.place(stored, memory);
            }

            @Override
            public Tensor table(Tensor stored) {
              return backend.placeTable(stored, memory);
            }
          },
          form);
    }
  }

  /// All matrices of which a rank holds something, in the order in which they are placed.
  private List<Linear> linears(RankShare share) {
    List<Linear> linears = new ArrayList<>();
    each(
        share,
        new Placing() {
          @Override
          public Linear linear(Linear stored, Placement where, int parts, WeightForm asked) {
            linears.add(stored);
            return stored;
          }

          @Override
          public Tensor vector(Tensor stored) {
            return stored;
          }

          @Override
          public Tensor table(Tensor stored) {
            return stored;
          }
        },
        WeightForm.STORED);
    return linears;
  }

  /// What [#placed] allocates, in its order.
  public List<TensorSpec> plan(RankShare share, Backend backend, WeightForm form) {
    List<TensorSpec> plan = new ArrayList<>();
    each(
        share,
        new Placing() {
          @Override
          public Linear linear(Linear stored, Placement where, int parts, WeightForm asked) {
            plan.addAll(backend.plan(stored, where, parts, asked));
            return stored;
          }

          @Override
          public Tensor vector(Tensor stored) {
            plan.addAll(backend.plan(stored));
            return stored;
          }

          @Override
          public Tensor table(Tensor stored) {
            return stored;
          }
        },
        form);
    return plan;
  }

  /// Bytes of the weights of all ranks that lie in mapped files, each counted once: a system that
  /// counts free memory counts their pages as free.
  public static long mappedBytes(List<DecoderWeights> ranks) {
    Map<Long, Long> bytes = new HashMap<>();
    for (DecoderWeights weights : ranks) {
      weights.segments().stream()
          .filter(MemorySegment::isMapped)
          .forEach(data -> bytes.merge(data.address(), data.byteSize(), Math::max));
    }
    return bytes.values().stream().mapToLong(Long::longValue).sum();
  }

  /// The memory of all weights but the scales of quantised ones.
  public List<MemorySegment> segments() {
    List<MemorySegment> segments = new ArrayList<>();
    segments.add(embedding.data());
    for (Layer layer : layers) {
      AttentionLayer attention = layer.attention();
      segments.add(attention.norm().data());
      List.of(attention.query(), attention.key(), attention.value(), attention.output())
          .forEach(linear -> add(linear, segments));
      switch (layer.feedForward()) {
        case FeedForwardLayer dense -> {
          segments.add(dense.norm().data());
          add(dense.mlp(), segments);
        }
        case MixtureLayer mixture -> {
          segments.add(mixture.norm().data());
          add(mixture.router(), segments);
          mixture.expertGateUp().forEach(linear -> add(linear, segments));
          mixture.expertDown().forEach(linear -> add(linear, segments));
          mixture.shared().forEach(mlp -> add(mlp, segments));
        }
      }
    }
    segments.add(norm.data());
    add(head, segments);
    return segments;
  }

  private static void add(GatedMlp mlp, List<MemorySegment> segments) {
    add(mlp.gateUp(), segments);
    add(mlp.down(), segments);
  }

  private static void add(Linear linear, List<MemorySegment> segments) {
    for (Linear.Part part : linear.parts()) {
      segments.add(part.bias().data());
      segments.add(part.weight().values().data());
    }
  }

  private DecoderWeights each(RankShare share, Placing placing, WeightForm form) {
    Layers visitor = new Layers(share, placing, form);
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
    return new DecoderWeights(
        placing.table(embedding), placed, placing.vector(norm), visitor.linear(head, share.head()));
  }

  /// What is done with single weights, in the order in which they are used.
  private interface Placing {
    Linear linear(Linear stored, Placement where, int parts, WeightForm asked);

    Tensor vector(Tensor stored);

    Tensor table(Tensor stored);
  }

  /// One way through all weights of which a rank holds something.
  private record Layers(RankShare share, Placing placing, WeightForm form) {
    Linear linear(Linear stored, Placement where) {
      return placing.linear(stored, where, stored.parts().size(), form);
    }

    AttentionLayer attention(AttentionLayer layer) {
      AttentionSpec spec = layer.spec();
      return new AttentionLayer(
          share.attention(spec),
          placing.vector(layer.norm()),
          layer.epsilon(),
          linear(layer.query(), share.query(spec)),
          linear(layer.key(), share.keyValue(spec)),
          linear(layer.value(), share.keyValue(spec)),
          linear(layer.output(), share.output(spec)),
          placing.vector(layer.inverseFrequencies()));
    }

    /// A network that every token passes.
    GatedMlp gated(GatedMlp mlp) {
      return new GatedMlp(
          placing.linear(mlp.gateUp(), share.gateUp(mlp.width()), 2, form),
          linear(mlp.down(), share.down(mlp.width())));
    }

    FeedForwardLayer dense(FeedForwardLayer layer) {
      return new FeedForwardLayer(
          placing.vector(layer.norm()), layer.epsilon(), gated(layer.mlp()));
    }

    MixtureLayer mixture(MixtureLayer layer) {
      Span held = share.experts(layer.expertGateUp().size());
      int routers = layer.router().parts().size();
      return new MixtureLayer(
          placing.vector(layer.norm()),
          layer.epsilon(),
          placing.linear(layer.router(), Placement.replicated(), routers, WeightForm.EXACT),
          layer.chosen(),
          layer.expertGateUp().subList(held.first(), held.end()).stream()
              .map(gateUp -> placing.linear(gateUp, Placement.replicated(), 2, form))
              .toList(),
          layer.expertDown().subList(held.first(), held.end()).stream()
              .map(down -> linear(down, Placement.replicated()))
              .toList(),
          layer.shared().stream().map(this::gated).toList(),
          held.first());
    }
  }
}
