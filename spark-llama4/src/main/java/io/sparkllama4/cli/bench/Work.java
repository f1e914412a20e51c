package io.sparkllama4.cli.bench;

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

  /// Adds the work of a model; none is known before.
  void add(DecoderWeights weights) {
    for (DecoderWeights.Layer layer : weights.layers()) {
      List.of(
              layer.attention().query(),
              layer.attention().key(),
              layer.attention().value(),
              layer.attention().output())
          .forEach(this::everyToken);
      switch (layer.feedForward()) {
        case FeedForwardLayer dense -> {
          everyToken(dense.mlp());
          expertBytes.add(0.0);
        }
        case MixtureLayer mixture -> addMixture(mixture);
      }
    }
    lastWeights += behindKeys(weights.layers().getLast());
    headWeights += size(weights.head());
    headBytes += weights.head().bytes();
    totalBytes += sharedBytes + headBytes + weights.embedding().data().byteSize();
  }

  private void addMixture(MixtureLayer mixture) {
    everyToken(mixture.router());
    mixture.shared().forEach(this::everyToken);
    long bytes = 0;
    for (int e = 0; e < mixture.expertGateUp().size(); e++) {
      bytes += mixture.expertGateUp().get(e).bytes() + mixture.expertDown().get(e).bytes();
    }
    totalBytes += bytes;
    expertBytes.add((double) bytes / mixture.expertGateUp().size());
    matrixWeights +=
        mixture.chosen()
            * (size(mixture.expertGateUp().getFirst()) + size(mixture.expertDown().getFirst()));
  }

  private static long behindKeys(DecoderWeights.Layer layer) {
    return size(layer.attention().output())
        + switch (layer.feedForward()) {
          case FeedForwardLayer dense -> size(dense.mlp());
          case MixtureLayer mixture ->
              size(mixture.router())
                  + mixture.shared().stream().mapToLong(Work::size).sum()
                  + mixture.chosen()
                      * (size(mixture.expertGateUp().getFirst())
                          + size(mixture.expertDown().getFirst()));
        };
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
