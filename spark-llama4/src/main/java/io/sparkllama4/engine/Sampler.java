package io.sparkllama4.engine;

import io.sparkllama4.backend.SampleResult;
import io.sparkllama4.backend.SampleRow;
import io.sparkllama4.error.ErrorCode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/// Asks for samples and decides what they mean for a sequence: another token, or the end.
final class Sampler {
  private final int maxPositions;
  private final Set<Integer> modelStopIds;
  private final Supplier<OutputText> texts;

  Sampler(int maxPositions, Set<Integer> modelStopIds, Supplier<OutputText> texts) {
    this.maxPositions = maxPositions;
    this.modelStopIds = modelStopIds;
    this.texts = texts;
  }

  /// What a sequence has said so far.
  static final class Output {
    final OutputText decoder;
    final StopTexts text;
    final Map<Integer, Integer> counts = new HashMap<>();

    Output(OutputText decoder, StopTexts text) {
      this.decoder = decoder;
      this.text = text;
    }
  }

  /// The rows of logits that `slice` wants.
  ///
  /// @param first the index of its first token in the step
  void want(StepPlan.Slice slice, int first, List<StepRunner.Wanted> wanted) {
    Sequence sequence = slice.sequence();
    switch (sequence.task()) {
      case PromptBatch.Generate(SamplingParams params) -> {
        if (slice.reachesEnd()) {
          int last = sequence.length() - 1;
          for (int drafts = 0; drafts <= sequence.drafts().size(); drafts++) {
            int position = last + drafts;
            wanted.add(
                new StepRunner.Wanted(
                    sequence,
                    position,
                    first + position - slice.start(),
                    row(sequence, params, drafts)));
          }
        }
      }
      case PromptBatch.Score(int scored, int alternatives) -> {
        for (int i = Math.max(0, scored - 1 - slice.start()); i < slice.count(); i++) {
          int position = slice.start() + i;
          boolean isLast = position + 1 == sequence.length();
          int[] next = isLast ? new int[0] : sequence.tokens().copy(position + 1, position + 2);
          wanted.add(
              new StepRunner.Wanted(
                  sequence, position, first + i, SampleRow.score(next, alternatives)));
        }
      }
      case PromptBatch.Choose _ -> {
        Choice choice = Objects.requireNonNull(sequence.choice);
        for (int i = 0; i < slice.count(); i++) {
          int position = slice.start() + i;
          if (choice.wants(position)) {
            wanted.add(new StepRunner.Wanted(sequence, position, first + i, choice.row(position)));
          }
        }
      }
    }
  }

  /// What is asked of the logits behind the first `drafts` drafts, which count only if the drafts
  /// are right: then they are part of the output.
  private SampleRow row(Sequence sequence, SamplingParams params, int drafts) {
    return new SampleRow(
        (float) params.temperature(),
        params.topK(),
        (float) params.topP(),
        (float) params.minP(),
        params.hasPenalties() ? penalties(sequence, params, drafts) : SampleRow.Penalties.NONE,
        SeededChoice.uniform(params.seed(), sequence.generated() + drafts),
        new int[0],
        params.logprobs());
  }

  private SampleRow.Penalties penalties(Sequence sequence, SamplingParams params, int drafts) {
    Map<Integer, Integer> counts = output(sequence, params).counts;
    if (counts.isEmpty()) {
      for (int i = 0; i < sequence.promptTokens(); i++) {
        counts.put(sequence.tokens().get(i), 0);
      }
    }
    if (drafts > 0) {
      counts = new HashMap<>(counts);
      for (int i = 0; i < drafts; i++) {
        counts.merge(sequence.drafts().get(i), 1, Integer::sum);
      }
    }
    int[] tokens = new int[counts.size()];
    int[] outputCounts = new int[counts.size()];
    int at = 0;
    for (Map.Entry<Integer, Integer> entry : counts.entrySet()) {
      tokens[at] = entry.getKey();
      outputCounts[at++] = entry.getValue();
    }
    return new SampleRow.Penalties(
        (float) params.repetitionPenalty(),
        (float) params.presencePenalty(),
        (float) params.frequencyPenalty(),
        tokens,
        outputCounts);
  }

  private Output output(Sequence sequence, SamplingParams params) {
    Output output = sequence.output;
    if (output == null) {
      output = new Output(texts.get(), new StopTexts(params.stopTexts()));
      sequence.output = output;
    }
    return output;
  }

  /// Takes a sample; returns the answer if the sequence is over.
  Optional<Completion> take(StepRunner.Wanted wanted, SampleResult result) {
    Sequence sequence = wanted.sequence();
    if (result.id() == SampleResult.NOT_A_NUMBER) {
      return Optional.of(
          Completion.failed(
              new RowError(
                  ErrorCode.ENGINE_FAILED, "The model's logits for this row are not numbers"),
              sequence.promptTokens(),
              sequence.cachedTokens()));
    }
    return switch (sequence.task()) {
      case PromptBatch.Generate(SamplingParams params) -> extend(sequence, params, result);
      case PromptBatch.Score(int scored, int _) ->
          score(sequence, scored, wanted.position(), result);
      case PromptBatch.Choose _ -> choose(sequence, wanted.position(), result);
    };
  }

  private Optional<Completion> extend(
      Sequence sequence, SamplingParams params, SampleResult result) {
    int id = result.id();
    Output output = output(sequence, params);
    sequence.extend(id);
    if (params.hasPenalties()) {
      output.counts.merge(id, 1, Integer::sum);
    }
    if (params.logprobs() != SamplingParams.NO_LOGPROBS) {
      sequence.logprobs.add(new TokenLogprob(id, result.logprobs()[0], alternatives(result)));
    }
    boolean endsText = !params.ignoresEos() && modelStopIds.contains(id);
    if (endsText || params.stopIds().contains(id)) {
      Optional<String> stop = output.text.append(output.decoder.finish());
      return Optional.of(
          completion(
              sequence,
              output,
              stop.<Completion.End>map(Completion.StopText::new)
                  .orElseGet(() -> new Completion.StopId(id))));
    }
    Optional<String> stop = output.text.append(output.decoder.append(id));
    boolean isFull =
        sequence.generated() == params.maxTokens() || sequence.length() == maxPositions;
    if (stop.isEmpty() && isFull) {
      stop = output.text.append(output.decoder.finish());
    }
    if (stop.isPresent()) {
      return Optional.of(completion(sequence, output, new Completion.StopText(stop.get())));
    }
    return isFull
        ? Optional.of(completion(sequence, output, new Completion.Length()))
        : Optional.empty();
  }

  private static Completion completion(Sequence sequence, Output output, Completion.End end) {
    return new Completion(
        sequence.tokens().copy(sequence.promptTokens(), sequence.length()),
        output.text.text(),
        end,
        usage(sequence),
        List.copyOf(sequence.logprobs));
  }

  private static Completion.Usage usage(Sequence sequence) {
    return new Completion.Usage(
        sequence.promptTokens(),
        sequence.cachedTokens(),
        sequence.generated(),
        sequence.prefillNanos,
        sequence.decodeNanos);
  }

  /// Scores of a position that was computed again after a preemption replace equal ones.
  ///
  /// @param scored position of the first token with a score
  private static Optional<Completion> score(
      Sequence sequence, int scored, int position, SampleResult result) {
    List<TokenLogprob> scores = sequence.logprobs;
    if (scored == 0 && scores.isEmpty()) {
      scores.add(new TokenLogprob(sequence.tokens().get(0), 0, List.of()));
    }
    if (position >= scored) {
      TokenLogprob here = scores.get(position - scored);
      scores.set(
          position - scored, new TokenLogprob(here.id(), here.logprob(), alternatives(result)));
    }
    boolean isLast = position + 1 == sequence.length();
    if (!isLast && scores.size() == position + 1 - scored) {
      int next = sequence.tokens().get(position + 1);
      scores.add(new TokenLogprob(next, result.logprobs()[0], List.of()));
    }
    return isLast
        ? Optional.of(
            new Completion(
                new int[0], "", new Completion.Length(), usage(sequence), List.copyOf(scores)))
        : Optional.empty();
  }

  private static Optional<Completion> choose(Sequence sequence, int position, SampleResult result) {
    Choice choice = Objects.requireNonNull(sequence.choice);
    choice.take(position, result);
    if (position + 1 < sequence.length() || choice.advance(sequence)) {
      return Optional.empty();
    }
    Completion.Usage usage =
        new Completion.Usage(
            sequence.promptTokens() + choice.computedTokens(),
            sequence.cachedTokens(),
            0,
            sequence.prefillNanos,
            sequence.decodeNanos);
    return Optional.of(
        new Completion(new int[0], "", new Completion.Length(), usage, choice.logprobs()));
  }

  private static List<TokenLogprob.Alternative> alternatives(SampleResult result) {
    List<TokenLogprob.Alternative> alternatives = new ArrayList<>();
    for (int i = 0; i < result.alternativeIds().length; i++) {
      alternatives.add(
          new TokenLogprob.Alternative(
              result.alternativeIds()[i], result.alternativeLogprobs()[i]));
    }
    return List.copyOf(alternatives);
  }
}
