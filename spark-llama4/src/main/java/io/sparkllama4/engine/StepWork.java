package io.sparkllama4.engine;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/// What one step did, counted while its results are taken in.
final class StepWork {
  private final long nanos;
  private final Set<Sequence> decoding = new HashSet<>();
  private final Set<Sequence> sampledOnce = new HashSet<>();
  private final Map<Sequence, Completion> answers = new LinkedHashMap<>();
  private int prefillTokens;
  private long prefillNanos;
  private int drafted;
  private int sampled;
  private int decodeSampled;
  private int accepted;

  StepWork(long nanos) {
    this.nanos = nanos;
  }

  /// Counts tokens of a prompt.
  ///
  /// @param share of the step's time
  void prefilled(int tokens, long share) {
    prefillTokens += tokens;
    prefillNanos += share;
  }

  /// Counts the last token of an output, and drafts behind it.
  void decoded(Sequence sequence, int tokens) {
    decoding.add(sequence);
    drafted += tokens - 1;
  }

  /// Counts what a sample made of `sequence`, which had `generated` tokens of output before.
  void took(Sequence sequence, int generated) {
    if (sequence.task() instanceof PromptBatch.Generate) {
      int more = sequence.generated() - generated;
      sampled += more;
      decodeSampled += decoding.contains(sequence) ? more : 0;
      accepted += sampledOnce.add(sequence) ? 0 : more;
    }
  }

  /// Ends `sequence`, whose answer is handed over when all is counted.
  void answered(Sequence sequence, Completion completion) {
    sequence.end();
    answers.put(sequence, completion);
  }

  Map<Sequence, Completion> answers() {
    return answers;
  }

  long nanos() {
    return nanos;
  }

  int prefillTokens() {
    return prefillTokens;
  }

  /// Tokens that were added to outputs which had begun before.
  int decodeSampled() {
    return decodeSampled;
  }

  /// The figures of an engine after this step.
  EngineStats addTo(EngineStats before, int rows, long preemptions, long kvTokensPeak) {
    return new EngineStats(
        before.steps() + 1,
        Math.max(before.maxRowsPerStep(), rows),
        preemptions,
        before.prefillTokens() + prefillTokens,
        before.generatedTokens() + sampled,
        before.draftedTokens() + drafted,
        before.acceptedTokens() + accepted,
        kvTokensPeak,
        before.prefillNanos() + prefillNanos,
        before.decodeNanos() + nanos - prefillNanos);
  }
}
