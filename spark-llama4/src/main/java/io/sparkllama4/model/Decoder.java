package io.sparkllama4.model;

import io.sparkllama4.backend.AttentionStep;
import io.sparkllama4.backend.FeedForwardLayer;
import io.sparkllama4.backend.Kernels;
import io.sparkllama4.backend.MixtureLayer;
import io.sparkllama4.backend.Probe;
import io.sparkllama4.backend.StepBuffers;
import io.sparkllama4.tensor.Tensor;

/// A decoder-only transformer: embedding, layers, norm, head, in terms of the kernels' stages.
///
/// Stateless: all that a step needs comes in and all that it makes goes into the buffers and the
/// cache.
public final class Decoder {
  private final RankShare share;
  private final DecoderSpec spec;
  private final DecoderWeights weights;
  private final Kernels kernels;

  /// What one rank computes of a decoder.
  ///
  /// @param weights those that the rank holds
  /// @param kernels its own
  public Decoder(RankShare share, DecoderWeights weights, Kernels kernels) {
    this.share = share;
    this.spec = share.spec();
    this.weights = weights;
    this.kernels = kernels;
  }

  /// Whose part of what it is.
  public RankShare share() {
    return share;
  }

  /// Runs the tokens of a step through all layers and the final norm.
  ///
  /// Afterwards the cache holds their keys and values, and `buffers.norm(R)` what the head reads of
  /// the R tokens whose logits are wanted. Others end at the keys and values of the last layer:
  /// nothing reads what it would make of them.
  public void forward(StepInput input, KvCache cache, StepBuffers buffers, Probe probe) {
    int count = input.tokens().count();
    Tensor hidden = buffers.hidden(count); // [T, H]
    kernels.embed(input.tokens().ids(), weights.embedding(), hidden);
    probe.see("embed", hidden);
    for (int i = 0; i < weights.layers().size(); i++) {
      DecoderWeights.Layer layer = weights.layers().get(i);
      Probe inside = probe.layer(i);
      AttentionStep step =
          new AttentionStep(
              input.tokens(),
              input.tables(KvGroup.of(spec.layers().get(i))),
              cache.layer(i),
              buffers,
              inside);
      kernels.attentionInput(hidden, layer.attention(), step);
      if (i == weights.layers().size() - 1 && input.wanted().isPresent()) {
        StepInput.Wanted wanted = input.wanted().get();
        if (wanted.tokens().count() == 0) {
          return;
        }
        step = keep(wanted, hidden, step);
        hidden = buffers.hidden(wanted.tokens().count()); // [R, H]
      }
      kernels.attention(hidden, layer.attention(), step);
      switch (layer.feedForward()) {
        case FeedForwardLayer dense -> kernels.feedForward(hidden, dense, buffers, inside);
        case MixtureLayer mixture -> kernels.mixture(hidden, mixture, buffers, inside);
      }
      inside.see("output", hidden);
    }
    Tensor norm = buffers.norm(hidden.rows()); // [R, H]
    kernels.rmsNorm(hidden, weights.norm(), spec.normEpsilon(), norm);
    probe.see("norm", norm);
  }

  /// Moves the wanted tokens of `step`, with their queries, to the front.
  private AttentionStep keep(StepInput.Wanted wanted, Tensor hidden, AttentionStep step) {
    StepBuffers buffers = step.buffers();
    int kept = wanted.tokens().count();
    kernels.selectRows(hidden, wanted.rows(), buffers.hidden(kept));
    kernels.selectRows(buffers.query(hidden.rows()), wanted.rows(), buffers.query(kept));
    return new AttentionStep(wanted.tokens(), step.tables(), step.cache(), buffers, step.probe());
  }

  /// Logits of some tokens of the step that [#forward] has just run.
  ///
  /// @param count how many tokens' logits the step wanted
  /// @param rows I32, indices among these
  /// @return `[R, V]`, in the buffers; on ranks but the first there are none
  public Tensor head(int count, Tensor rows, StepBuffers buffers) {
    Tensor part = buffers.logitsPart(rows.rows()); // [R, V of the rank]
    Tensor logits = buffers.logits(rows.rows()); // [R, V]
    kernels.head(buffers.norm(count), rows, weights.head(), buffers, part);
    kernels.gatherColumns(part, logits);
    return logits;
  }
}
