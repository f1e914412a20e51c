package io.sparkllama4.cli.bench;

import io.sparkllama4.backend.AttentionLayer;
import io.sparkllama4.backend.FeedForwardLayer;
import io.sparkllama4.backend.GatedMlp;
import io.sparkllama4.backend.MixtureLayer;
import io.sparkllama4.model.DecoderWeights;
import io.sparkllama4.tensor.Linear;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// What a model's tokens take at least: multiply-adds of the matrices, bytes of the weights.
/// Attention is left out, so that shares of ceilings come out too low rather than too high.
final class Work {
  private long matrixWeights;

  /// Those of them that the last layer has behind its keys and values, which only tokens pass whose
  /// logits are wanted.
  private long lastWeights;

  private long headWeights;
  private long headBytes;
  private long sharedBytes;
  private long totalBytes;

  /// Bytes of one expert of each layer, 0 for a dense one.
  private final List<Double> expertBytes = new ArrayList<>();

  /// Adds the work of a model, which ranks may share; none is known before.
  ///
  /// @param ranks the weights of every rank
  void add(List<DecoderWeights> ranks) {
    int layers = ranks.getFirst().layers().size();
    for (int i = 0; i < layers; i++) {
      List<DecoderWeights.Layer> parts = new ArrayList<>();
      for (DecoderWeights weights : ranks) {
        parts.add(weights.layers().get(i));
      }
      addLayer(parts);
      if (i == layers - 1) {
        lastWeights += behindKeys(parts);
      }
    }
    for (DecoderWeights weights : ranks) {
      headWeights += size(weights.head());
      headBytes += weights.head().bytes();
    }
    totalBytes += sharedBytes + headBytes + ranks.getFirst().embedding().data().byteSize();
  }

  private void addLayer(List<DecoderWeights.Layer> parts) {
    long bytes = 0;
    int experts = 0;
    for (DecoderWeights.Layer layer : parts) {
      AttentionLayer attention = layer.attention();
      List.of(attention.query(), attention.key(), attention.value(), attention.output())
          .forEach(this::everyToken);
      switch (layer.feedForward()) {
        case FeedForwardLayer dense -> everyToken(dense.mlp());
        case MixtureLayer mixture -> {
          everyToken(mixture.router());
          mixture.shared().forEach(this::everyToken);
          experts += mixture.expertGateUp().size();
          for (int e = 0; e < mixture.expertGateUp().size(); e++) {
            bytes += mixture.expertGateUp().get(e).bytes() + mixture.expertDown().get(e).bytes();
          }
        }
      }
    }
    totalBytes += bytes;
    expertBytes.add(experts == 0 ? 0 : (double) bytes / experts);
    matrixWeights += chosenExperts(parts);
  }

  /// Weights of the experts that one token passes.
  private static long chosenExperts(List<DecoderWeights.Layer> parts) {
    return parts.getFirst().feedForward() instanceof MixtureLayer mixture
        ? mixture.chosen()
            * (size(mixture.expertGateUp().getFirst()) + size(mixture.expertDown().getFirst()))
        : 0;
  }

  private static long behindKeys(List<DecoderWeights.Layer> parts) {
    long weights = chosenExperts(parts);
    for (DecoderWeights.Layer layer : parts) {
      weights +=
          size(layer.attention().output())
              + switch (layer.feedForward()) {
                case FeedForwardLayer dense -> size(dense.mlp());
                case MixtureLayer mixture ->
                    size(mixture.router()) + mixture.shared().stream().mapToLong(Work::size).sum();
              };
    }
    return weights;
  }

  private static long size(GatedMlp mlp) {
    return size(mlp.gateUp()) + size(mlp.down());
  }

  private void everyToken(GatedMlp mlp) {
    everyToken(mlp.gateUp());
    everyToken(mlp.down());
  }

  private void everyToken(Linear layer) {
    matrixWeights += size(layer);
    sharedBytes += layer.bytes();
  }

  private static long size(Linear layer) {
    return layer.inputs() * layer.outputs();
  }

  /// Floating-point operations.
  ///
  /// @param tokens those that go through the layers
  /// @param sampled those whose logits are made
  double flops(double tokens, double sampled) {
    return 2.0 * (tokens * (matrixWeights - lastWeights) + sampled * (lastWeights + headWeights));
  }

  /// Bytes of weights that a step reads whose tokens were routed to so many experts of each layer.
  double bytes(Map<Integer, Integer> experts) {
    double bytes = sharedBytes + headBytes;
    for (Map.Entry<Integer, Integer> layer : experts.entrySet()) {
      bytes += layer.getValue() * expertBytes.get(layer.getKey());
    }
    return bytes;
  }

  /// Bytes of all weights in memory, norms left out.
  long totalBytes() {
    return totalBytes;
  }
}
