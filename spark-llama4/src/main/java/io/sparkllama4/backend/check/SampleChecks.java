package io.sparkllama4.backend.check;

import io.sparkllama4.backend.SampleResult;
import io.sparkllama4.backend.SampleRow;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/// Sampled tokens and log-probabilities.
final class SampleChecks {
  private static final int[] VOCABULARIES = {1, 7, 512, 513, 5000};
  private static final int ROWS = 24;
  private static final double LOGPROB_BOUND = 1e-5;

  private SampleChecks() {}

  /// Rows of every wish. Random numbers lie where no sum's order decides.
  static void rows(Pair pair, Comparison comparison) {
    for (int tokens : VOCABULARIES) {
      Tensor logits = pair.random().floats(ROWS, tokens);
      for (long i = 0; i < logits.shape().elements(); i++) {
        logits.set(i, 3 * logits.at(i));
      }
      List<SampleRow> rows =
          IntStream.range(0, ROWS).mapToObj(r -> row(r, pair.random().random(), tokens)).toList();
      compare(tokens + " tokens", pair, logits, rows, comparison);
    }
  }

  /// The lowest of equal tokens, and rows that are not finite.
  static void edges(Pair pair, Comparison comparison) {
    Tensor logits = pair.random().arena().allocate(DType.F32, 4, 2000);
    logits.set(1999, 4f);
    logits.set(700, 4f);
    logits.set(2000 + 1998, Float.MIN_VALUE);
    logits.set(2 * 2000 + 3, Float.NaN);
    logits.set(3 * 2000 + 1500, Float.POSITIVE_INFINITY);
    SampleRow greedy = new SampleRow(0, 0, 1, 0, SampleRow.Penalties.NONE, 0.5, new int[0], 0);
    List<SampleRow> rows = List.of(greedy, greedy, greedy, greedy);
    compare("edges", pair, logits, rows, comparison);
    List<SampleResult> found = sample(pair.device(), logits, rows);
    int[] ids = found.stream().mapToInt(SampleResult::id).toArray();
    int none = SampleResult.NOT_A_NUMBER;
    comparison.that(
        "the ids " + Arrays.toString(ids), Arrays.equals(ids, new int[] {700, 1998, none, none}));
  }

  private static SampleRow row(int index, Random random, int tokens) {
    int[] ids = random.ints(0, tokens).distinct().limit(Math.min(tokens, 20)).toArray();
    SampleRow.Penalties penalties =
        index % 2 == 0
            ? SampleRow.Penalties.NONE
            : new SampleRow.Penalties(
                1.3f, 0.7f, 0.25f, ids, Arrays.stream(ids).map(id -> id % 4).toArray());
    return new SampleRow(
        new float[] {0, 0.7f, 1, 1.5f}[index % 4],
        new int[] {0, 1, 40, 600}[random.nextInt(4)],
        new float[] {1, 0.95f, 0.5f}[random.nextInt(3)],
        new float[] {0, 0.001f, 0.1f}[random.nextInt(3)],
        penalties,
        random.nextDouble(),
        index % 3 == 0 ? Arrays.copyOf(ids, Math.min(3, ids.length)) : new int[0],
        Math.min(tokens, new int[] {SampleRow.NO_LOGPROBS, 0, 5}[random.nextInt(3)]));
  }

  private static List<SampleResult> sample(Subject subject, Tensor logits, List<SampleRow> rows) {
    Tensor placed = subject.floats(logits);
    List<SampleResult> results = new ArrayList<>();
    subject.run(kernels -> results.addAll(kernels.sample(placed, rows)));
    return results;
  }

  private static void compare(
      String what, Pair pair, Tensor logits, List<SampleRow> rows, Comparison comparison) {
    List<SampleResult> found = sample(pair.device(), logits, rows);
    List<SampleResult> expected = sample(pair.plain(), logits, rows);
    for (int r = 0; r < rows.size(); r++) {
      SampleResult one = found.get(r);
      SampleResult right = expected.get(r);
      comparison.number(what + ", id", r, one.id(), right.id(), 0);
      comparison.that(
          what + ", alternatives of row " + r,
          Arrays.equals(one.alternativeIds(), right.alternativeIds()));
      logprobs(what + ", row " + r, one.logprobs(), right.logprobs(), comparison);
      logprobs(
          what + ", alternatives of row " + r,
          one.alternativeLogprobs(),
          right.alternativeLogprobs(),
          comparison);
    }
  }

  private static void logprobs(String what, float[] found, float[] expected, Comparison to) {
    to.that(what + " has as many", found.length == expected.length);
    for (int i = 0; i < Math.min(found.length, expected.length); i++) {
      double bound = LOGPROB_BOUND * Math.max(1, Math.abs(expected[i]));
      to.number(what, i, found[i], expected[i], bound);
    }
  }
}
