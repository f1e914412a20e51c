package io.sparkllama4.cli.bench;

import io.sparkllama4.backend.FeedForwardLayer;
import io.sparkllama4.backend.GatedMlp;
import io.sparkllama4.backend.MixtureLayer;
import io.sparkllama4.model.DecoderWeights;
import io.sparkllama4.tensor.Linear;
import java.util.List;

/// What a model's tokens take at least: multiply-adds of the matrices, bytes of the weights.
/// Attention is left out, so that shares of ceilings come out too low rather than too high.
public final class Work {
  private long matrixWeights;
  private long sharedBytes;
  private long expertBytes;
  private int experts = 1;

  /// The work of a model.
  public Work(DecoderWeights weights) {
    for (DecoderWeights.Layer layer : weights.layers()) {
      List.of(
              layer.attention().query(),
              layer.attention().key(),
              layer.attention().value(),
              layer.attention().output())
          .forEach(this::everyToken);
      switch (layer.feedForward()) {
        case FeedForwardLayer dense -> everyToken(dense.mlp());
        case MixtureLayer mixture -> {
          everyToken(mixture.router());
          mixture.shared().forEach(this::everyToken);
          Linear gateUp = mixture.expertGateUp().getFirst();
          Linear down = mixture.expertDown().getFirst();
          experts = mixture.expertGateUp().size();
          matrixWeights += mixture.chosen() * (size(gateUp) + size(down));
          expertBytes += mixture.chosen() * (gateUp.bytes() + down.bytes());
        }
      }
    }
    sharedBytes += weights.head().bytes();
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

  /// Floating-point operations of a prompt token, the head left out.
  public double flopsPerToken() {
    return 2.0 * matrixWeights;
  }

  /// Bytes of weights that a step of `sequences` sequences reads: those that all share, and the
  /// experts that even routing would reach.
  public double bytesPerStep(int sequences) {
    double reached = experts * (1 - Math.pow(1 - 1.0 / experts, sequences));
    return sharedBytes + reached * expertBytes;
  }
}
