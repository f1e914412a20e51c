package io.sparkllama4.weights;

import io.sparkllama4.backend.AttentionLayer;
import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.FeedForward;
import io.sparkllama4.backend.FeedForwardLayer;
import io.sparkllama4.backend.GatedMlp;
import io.sparkllama4.backend.MixtureLayer;
import io.sparkllama4.model.DecoderSpec;
import io.sparkllama4.model.DecoderWeights;
import io.sparkllama4.model.LayerSpec;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Shape;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Gathers Llama 4's weights layer by layer, in place. Everything that the configuration asks for
/// is looked up and checked; nothing is read yet.
final class WeightLoader {
  private final DecoderSpec spec;
  private final WeightNames names;
  private final WeightReader reader;
  private final NativeArena arena;
  private @Nullable Tensor inverseFrequencies;

  /// @param arena owns what is computed rather than stored
  WeightLoader(DecoderSpec spec, WeightNames names, WeightReader reader, NativeArena arena) {
    this.spec = spec;
    this.names = names;
    this.reader = reader;
    this.arena = arena;
  }

  DecoderWeights load() {
    Tensor embedding = reader.plain(names.embedding(), spec.vocabulary(), spec.hidden());
    List<DecoderWeights.Layer> layers = new ArrayList<>();
    for (int i = 0; i < spec.layers().size(); i++) {
      layers.add(new DecoderWeights.Layer(attention(i), feedForward(i)));
    }
    Tensor norm = reader.plain(names.finalNorm(), spec.hidden());
    return new DecoderWeights(embedding, layers, norm, head(embedding));
  }

  private Linear head(Tensor embedding) {
    if (spec.tiedEmbedding()) {
      reader.ignore(names.head() + ".weight");
      return Linear.of(Matrix.of(embedding));
    }
    return linear(reader.part(names.head(), spec.vocabulary(), spec.hidden()));
  }

  private AttentionLayer attention(int i) {
    LayerSpec layer = spec.layers().get(i);
    AttentionSpec attention = layer.attention();
    long hidden = spec.hidden();
    return new AttentionLayer(
        attention,
        reader.plain(names.inputNorm(i), hidden),
        spec.normEpsilon(),
        projection(i, "q_proj", attention.queryWidth(), hidden),
        projection(i, "k_proj", attention.kvWidth(), hidden),
        projection(i, "v_proj", attention.kvWidth(), hidden),
        projection(i, "o_proj", hidden, attention.queryWidth()),
        inverseFrequencies());
  }

  /// Made once, and not before a projection of the same head size has been found in the files: an
  /// absurd size in a configuration must not take memory.
  private Tensor inverseFrequencies() {
    Tensor frequencies = inverseFrequencies;
    if (frequencies == null) {
      int headDim = spec.layers().getFirst().attention().headDim();
      frequencies = spec.rotary().inverseFrequencies(headDim, arena);
      inverseFrequencies = frequencies;
    }
    return frequencies;
  }

  private Linear projection(int i, String projection, long outputs, long inputs) {
    String module = names.attention(i, projection);
    return linear(
        spec.layers().get(i).attentionBias()
            ? reader.partWithBias(module, outputs, inputs)
            : reader.part(module, outputs, inputs));
  }

  private FeedForward feedForward(int i) {
    Tensor norm = reader.plain(names.feedForwardNorm(i), spec.hidden());
    return switch (spec.layers().get(i).feedForward()) {
      case LayerSpec.Dense(int width) ->
          new FeedForwardLayer(
              norm,
              spec.normEpsilon(),
              gated(
                  names.dense(i, "gate_proj"),
                  names.dense(i, "up_proj"),
                  names.dense(i, "down_proj"),
                  width));
      case LayerSpec.Mixture mixture -> mixture(i, norm, mixture);
    };
  }

  private MixtureLayer mixture(int i, Tensor norm, LayerSpec.Mixture mixture) {
    Linear router = linear(reader.part(names.router(i), mixture.experts(), spec.hidden()));
    List<Linear> gateUp = new ArrayList<>();
    List<Linear> down = new ArrayList<>();
    if (isPerExpert(i)) {
      for (int expert = 0; expert < mixture.experts(); expert++) {
        GatedMlp mlp =
            gated(
                names.expert(i, expert, "gate_proj"),
                names.expert(i, expert, "up_proj"),
                names.expert(i, expert, "down_proj"),
                mixture.expertWidth());
        gateUp.add(mlp.gateUp());
        down.add(mlp.down());
      }
    } else {
      Shape up = Shape.of(mixture.experts(), spec.hidden(), 2L * mixture.expertWidth());
      Shape out = Shape.of(mixture.experts(), mixture.expertWidth(), spec.hidden());
      fused(names.fusedExperts(i, "gate_up_proj"), up, gateUp);
      fused(names.fusedExperts(i, "down_proj"), out, down);
    }
    GatedMlp shared =
        gated(
            names.shared(i, "gate_proj"),
            names.shared(i, "up_proj"),
            names.shared(i, "down_proj"),
            mixture.sharedWidth());
    return new MixtureLayer(
        norm, spec.normEpsilon(), router, mixture.chosen(), gateUp, down, List.of(shared));
  }

  private boolean isPerExpert(int i) {
    String first = names.expert(i, 0, "gate_proj");
    return !reader.has(names.fusedExperts(i, "gate_up_proj"))
        && (reader.has(first + ".weight") || reader.has(first + ".weight_packed"));
  }

  /// Splits `[experts, inputs, outputs]` into one matrix per expert.
  private void fused(String name, Shape shape, List<Linear> target) {
    Tensor all = reader.plain(name, shape.size(0), shape.size(1), shape.size(2));
    for (int expert = 0; expert < shape.size(0); expert++) {
      target.add(Linear.of(Matrix.ofTransposed(all.row(expert))));
    }
  }

  private GatedMlp gated(String gate, String up, String down, long width) {
    return new GatedMlp(
        new Linear(
            List.of(
                reader.part(gate, width, spec.hidden()), reader.part(up, width, spec.hidden()))),
        linear(reader.part(down, spec.hidden(), width)));
  }

  private static Linear linear(Linear.Part part) {
    return new Linear(List.of(part));
  }
}
