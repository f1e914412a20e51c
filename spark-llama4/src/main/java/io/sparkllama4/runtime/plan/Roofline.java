package io.sparkllama4.runtime.plan;

import io.sparkllama4.model.DecoderSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/// The most that the GPUs allow: a step takes as long as its memory traffic at full bandwidth or
/// its arithmetic at full rate, whichever is longer. Nothing else costs anything: no
/// communication, no launch, no idle unit.
///
/// @param decode steps that give every sequence a token
/// @param prefillTokensPerSecond prompt tokens, the matrices alone
/// @param prefillWithAttention prompt tokens, with the attention of prompts of the asked context
/// @param prefillStepTokens tokens of a step from which on reading all weights takes less than
///     multiplying with them, so that the prefill figures can hold
public record Roofline(
    List<Decode> decode,
    double prefillTokensPerSecond,
    double prefillWithAttention,
    long prefillStepTokens) {
  /// Numbers of sequences that are always looked at.
  private static final List<Long> SEQUENCES = List.of(1L, 16L, 64L, 128L, 256L, 512L, 1024L);

  private static final double FLOP_PER_WEIGHT = 2;

  /// Nothing runs.
  static final Roofline NONE = new Roofline(List.of(), 0, 0, 0);

  /// One number of sequences.
  ///
  /// @param sequences that generate together, all of the asked context
  /// @param tokensPerSecond of all of them
  /// @param isMemoryBound whether memory takes longer than arithmetic
  public record Decode(long sequences, double tokensPerSecond, boolean isMemoryBound) {}

  /// Copies the list.
  public Roofline {
    decode = List.copyOf(decode);
  }

  /// The roofline of a plan.
  ///
  /// @param share what lies on the fullest GPU
  /// @param weights its memory
  /// @param kv its keys and values
  /// @param sequences how many of the asked context fit
  static Roofline of(
      PlanRequest request, ModelShare share, WeightBytes weights, KvBytes kv, long sequences) {
    DecoderSpec spec = request.model().outline().spec();
    GpuType type = request.gpus().type();
    int count = request.gpus().count();
    int context = request.context();
    double rate = request.weights().flops(type);
    double active = FLOP_PER_WEIGHT * share.activeElements();
    double attention = Attended.lastToken(spec, count, context);
    TreeSet<Long> batches = new TreeSet<>(SEQUENCES);
    batches.removeIf(batch -> batch > sequences);
    batches.add(sequences);
    List<Decode> decode = new ArrayList<>();
    for (long batch : batches) {
      double read =
          weights.everyStep()
              + weights.experts() * share.routed().read(batch)
              + (double) batch * kv.perSequence(context);
      double memorySeconds = read / type.bytesPerSecond();
      double computeSeconds = batch * (active + attention) / rate;
      decode.add(
          new Decode(
              batch,
              batch / Math.max(memorySeconds, computeSeconds),
              memorySeconds >= computeSeconds));
    }
    double allWeightsSeconds = (weights.everyStep() + weights.experts()) / type.bytesPerSecond();
    return new Roofline(
        decode,
        rate / active,
        rate / (active + Attended.meanOfPrompt(spec, count, context)),
        (long) Math.ceil(allWeightsSeconds * rate / active));
  }
}
