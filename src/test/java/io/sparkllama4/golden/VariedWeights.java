package io.sparkllama4.golden;

import io.sparkllama4.backend.AttentionLayer;
import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.FeedForward;
import io.sparkllama4.backend.FeedForwardLayer;
import io.sparkllama4.backend.GatedMlp;
import io.sparkllama4.backend.MixtureLayer;
import io.sparkllama4.model.DecoderWeights;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;

/// Copies of a decoder's weights in which one kind of part is replaced.
final class VariedWeights {
  private VariedWeights() {}

  /// Another rule for attention in every layer; `change` gets the layer's index.
  static PlantedError.Weights specs(IntFunction<UnaryOperator<AttentionSpec>> change) {
    return (weights, memory) -> {
      List<DecoderWeights.Layer> layers = new ArrayList<>();
      for (int i = 0; i < weights.layers().size(); i++) {
        DecoderWeights.Layer layer = weights.layers().get(i);
        AttentionLayer attention = layer.attention();
        layers.add(
            new DecoderWeights.Layer(
                with(
                    attention,
                    change.apply(i).apply(attention.spec()),
                    attention.inverseFrequencies()),
                layer.feedForward()));
      }
      return with(weights, layers);
    };
  }

  /// Other rotary frequencies: `change` gets the right ones and makes new ones.
  static PlantedError.Weights frequencies(UnaryOperator<float[]> change) {
    return (weights, memory) -> {
      Tensor right = weights.layers().getFirst().attention().inverseFrequencies();
      float[] frequencies = new float[right.rows()];
      for (int j = 0; j < frequencies.length; j++) {
        frequencies[j] = right.at(j);
      }
      float[] changed = change.apply(frequencies);
      Tensor wrong = memory.allocate(DType.F32, changed.length);
      for (int j = 0; j < changed.length; j++) {
        wrong.set(j, changed[j]);
      }
      return with(
          weights,
          weights.layers().stream()
              .map(
                  layer ->
                      new DecoderWeights.Layer(
                          with(layer.attention(), layer.attention().spec(), wrong),
                          layer.feedForward()))
              .toList());
    };
  }

  /// Other mixtures.
  static PlantedError.Weights mixtures(UnaryOperator<MixtureLayer> change) {
    return (weights, memory) ->
        feedForwards(
            weights,
            feedForward ->
                feedForward instanceof MixtureLayer mixture ? change.apply(mixture) : feedForward);
  }

  /// Other matrices in all feed-forward networks and experts.
  static DecoderWeights matrices(DecoderWeights weights, UnaryOperator<Matrix> change) {
    return feedForwards(
        weights,
        feedForward ->
            switch (feedForward) {
              case FeedForwardLayer dense ->
                  new FeedForwardLayer(dense.norm(), dense.epsilon(), mlp(dense.mlp(), change));
              case MixtureLayer mixture ->
                  new MixtureLayer(
                      mixture.norm(),
                      mixture.epsilon(),
                      mixture.router(),
                      mixture.chosen(),
                      mixture.expertGateUp().stream().map(w -> linear(w, change)).toList(),
                      mixture.expertDown().stream().map(w -> linear(w, change)).toList(),
                      mixture.shared().stream().map(shared -> mlp(shared, change)).toList());
            });
  }

  private static DecoderWeights feedForwards(
      DecoderWeights weights, UnaryOperator<FeedForward> change) {
    return with(
        weights,
        weights.layers().stream()
            .map(
                layer ->
                    new DecoderWeights.Layer(layer.attention(), change.apply(layer.feedForward())))
            .toList());
  }

  private static GatedMlp mlp(GatedMlp mlp, UnaryOperator<Matrix> change) {
    return new GatedMlp(linear(mlp.gateUp(), change), linear(mlp.down(), change));
  }

  private static Linear linear(Linear linear, UnaryOperator<Matrix> change) {
    return new Linear(
        linear.parts().stream()
            .map(part -> new Linear.Part(change.apply(part.weight()), part.bias()))
            .toList());
  }

  private static AttentionLayer with(
      AttentionLayer layer, AttentionSpec spec, Tensor inverseFrequencies) {
    return new AttentionLayer(
        spec,
        layer.norm(),
        layer.epsilon(),
        layer.query(),
        layer.key(),
        layer.value(),
        layer.output(),
        inverseFrequencies);
  }

  private static DecoderWeights with(DecoderWeights weights, List<DecoderWeights.Layer> layers) {
    return new DecoderWeights(weights.embedding(), layers, weights.norm(), weights.head());
  }
}
