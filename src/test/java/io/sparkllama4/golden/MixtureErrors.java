package io.sparkllama4.golden;

import io.sparkllama4.backend.GatedMlp;
import io.sparkllama4.backend.MixtureLayer;
import io.sparkllama4.backend.Probe;
import io.sparkllama4.backend.Routing;
import io.sparkllama4.backend.Span;
import io.sparkllama4.backend.StepBuffers;
import io.sparkllama4.backend.cpu.ScalarKernels;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Errors in the router, the experts and the shared expert.
final class MixtureErrors {
  static final List<PlantedError> ALL =
      List.of(
          PlantedError.ofKernels(
              "score on the output",
              "experts get the input as it is; what they give is multiplied with the score",
              "scout",
              "layers.0.routed",
              200,
              ScoreOnOutput::new),
          PlantedError.ofKernels(
              "softmax router",
              "a score is the softmax over all experts in place of the sigmoid",
              "scout",
              "layers.0.router_scores",
              6000,
              () -> new Rescored(MixtureErrors::softmax)),
          PlantedError.ofKernels(
              "scores normalised",
              "the scores of a token's experts are divided by their sum",
              "top2-gqa5",
              "layers.0.router_scores",
              4000,
              () -> new Rescored(MixtureErrors::normalised)),
          PlantedError.ofKernels(
              "one expert of two",
              "all but the best expert get no score",
              "top2-gqa5",
              "layers.0.router_scores",
              9000,
              () -> new Rescored((logits, chosen) -> bestAlone(logits))),
          PlantedError.ofKernels(
              "lowest logits chosen",
              "the experts with the lowest logits are chosen",
              "top2-gqa5",
              "layers.0.router_scores",
              4000,
              () -> new Rescored((logits, chosen) -> negated(logits))),
          PlantedError.ofKernels(
              "router before the norm",
              "the router reads the residual stream in place of its norm",
              "scout",
              "layers.0.router_logits",
              2000,
              RouterBeforeNorm::new),
          PlantedError.ofWeights(
              "experts off by one",
              "expert e computes with the weights of expert e + 1",
              "maverick",
              "layers.1.routed",
              10000,
              VariedWeights.mixtures(MixtureErrors::rotated)),
          PlantedError.ofWeights(
              "missing shared expert",
              "the routed experts are all there is",
              "scout",
              "layers.0.output",
              2000,
              VariedWeights.mixtures(layer -> with(layer, List.of()))),
          PlantedError.ofKernels(
              "mixture without residual",
              "the stream holds what the mixture gives, without what it got",
              "scout",
              "layers.0.output",
              3000,
              WithoutResidual::new));

  private MixtureErrors() {}

  /// Makes the scores of all experts of one token, which are to be chosen by the highest score.
  interface Scores {
    double[] of(double[] logits, int chosen);
  }

  private static double[] softmax(double[] logits, int chosen) {
    double sum = Arrays.stream(logits).map(Math::exp).sum();
    return Arrays.stream(logits).map(logit -> Math.exp(logit) / sum).toArray();
  }

  private static double[] negated(double[] logits) {
    return Arrays.stream(logits).map(logit -> 1 / (1 + Math.exp(logit))).toArray();
  }

  private static double[] normalised(double[] logits, int chosen) {
    double[] sigmoids = negated(Arrays.stream(logits).map(logit -> -logit).toArray());
    double sum = Arrays.stream(sigmoids).sorted().skip(logits.length - chosen).sum();
    return Arrays.stream(sigmoids).map(score -> score / sum).toArray();
  }

  private static double[] bestAlone(double[] logits) {
    double best = Arrays.stream(logits).max().orElseThrow();
    return Arrays.stream(logits)
        .map(logit -> (logit == best ? 1 : 1e-9) / (1 + Math.exp(-logit)))
        .toArray();
  }

  /// Routes by other scores. The right kernel is given the logits whose sigmoids they are, so that
  /// it chooses and scores as the wrong one would.
  private static final class Rescored extends ScalarKernels {
    private final Scores scores;

    Rescored(Scores scores) {
      this.scores = scores;
    }

    @Override
    public void route(Tensor logits, int chosen, Span held, Routing routing) {
      try (NativeArena memory = new NativeArena()) {
        int experts = Math.toIntExact(logits.rowElements());
        Tensor wrong = memory.allocate(DType.F32, logits.rows(), experts);
        for (int t = 0; t < logits.rows(); t++) {
          double[] row = new double[experts];
          for (int e = 0; e < experts; e++) {
            row[e] = logits.at((long) t * experts + e);
          }
          double[] changed = scores.of(row, chosen);
          for (int e = 0; e < experts; e++) {
            double score = changed[e];
            wrong.set((long) t * experts + e, (float) Math.log(score / (1 - score)));
          }
        }
        super.route(wrong, chosen, held, routing);
      }
    }
  }

  /// For one expert per token: after the probes have seen the right scores, routes once more, with
  /// the same choices and scores of 1.
  private static final class ScoreOnOutput extends ScalarKernels {
    /// A logit whose sigmoid is 1.
    private static final float CERTAIN = 100;

    private float[] scores = new float[0];
    private int experts;

    @Override
    public void route(Tensor logits, int chosen, Span held, Routing routing) {
      super.route(logits, chosen, held, routing);
      experts = Math.toIntExact(logits.rowElements());
    }

    @Override
    public void gatherRows(Tensor input, Routing routing, Tensor output) {
      scores = routing.scores();
      int[] choices = routing.experts();
      try (NativeArena memory = new NativeArena()) {
        Tensor certain = memory.allocate(DType.F32, choices.length, experts);
        for (int t = 0; t < choices.length; t++) {
          certain.set((long) t * experts + choices[t], CERTAIN);
        }
        super.route(certain, 1, Span.all(experts), routing);
      }
      super.gatherRows(input, routing, output);
    }

    @Override
    public void scatterAdd(Tensor input, Routing routing, Tensor output) {
      super.scatterAdd(input, routing, output);
      long width = output.rowElements();
      for (long i = 0; i < output.shape().elements(); i++) {
        output.set(i, output.at(i) * scores[(int) (i / width)]);
      }
    }
  }

  /// Remembers the residual stream, whose norm the router would read.
  private static final class RouterBeforeNorm extends ScalarKernels {
    private @Nullable Tensor stream;

    @Override
    public void mixture(Tensor hidden, MixtureLayer layer, StepBuffers buffers, Probe probe) {
      stream = hidden;
      super.mixture(hidden, layer, buffers, probe);
      stream = null;
    }

    @Override
    public void matmul(Tensor input, Linear weight, Tensor output) {
      Tensor read = stream == null ? input : stream;
      // The router is the first product of a mixture.
      stream = null;
      super.matmul(read, weight, output);
    }
  }

  private static final class WithoutResidual extends ScalarKernels {
    @Override
    public void mixture(Tensor hidden, MixtureLayer layer, StepBuffers buffers, Probe probe) {
      float[] before = new float[Math.toIntExact(hidden.shape().elements())];
      for (int i = 0; i < before.length; i++) {
        before[i] = hidden.at(i);
      }
      super.mixture(hidden, layer, buffers, probe);
      for (int i = 0; i < before.length; i++) {
        hidden.set(i, hidden.at(i) - before[i]);
      }
    }
  }

  private static MixtureLayer rotated(MixtureLayer layer) {
    List<Linear> gateUp = new ArrayList<>(layer.expertGateUp());
    List<Linear> down = new ArrayList<>(layer.expertDown());
    Collections.rotate(gateUp, -1);
    Collections.rotate(down, -1);
    return new MixtureLayer(
        layer.norm(),
        layer.epsilon(),
        layer.router(),
        layer.chosen(),
        gateUp,
        down,
        layer.shared());
  }

  private static MixtureLayer with(MixtureLayer layer, List<GatedMlp> shared) {
    return new MixtureLayer(
        layer.norm(),
        layer.epsilon(),
        layer.router(),
        layer.chosen(),
        layer.expertGateUp(),
        layer.expertDown(),
        shared);
  }
}
