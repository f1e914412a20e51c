package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.SampleRow;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/// Where the parts of what the kernel `sample` is asked for stand, and where it answers.
///
/// A request is the random numbers, float64; then words of 32 bits: columns of one word for each
/// row; the starts of each row's penalties, targets and results; the tokens of penalties; as many
/// counts of them in the output; the targets.
final class SampleRequest {
  private static final int COLUMNS = 8;
  private static final int LISTS = 3;

  private final List<SampleRow> rows;
  private final int penalties;
  private final int targets;
  private final int resultWords;

  /// @param tokens of the vocabulary, in which all that are named must be
  SampleRequest(List<SampleRow> rows, int tokens) {
    this.rows = rows;
    int penaltyCount = 0;
    int targetCount = 0;
    int words = 0;
    for (SampleRow row : rows) {
      requireTokens(row.penalties().tokens(), tokens);
      requireTokens(row.targets(), tokens);
      if (row.alternatives() > tokens) {
        throw new IllegalArgumentException(
            "[" + row.alternatives() + "] alternatives of [" + tokens + "] tokens");
      }
      penaltyCount = Math.addExact(penaltyCount, row.penalties().tokens().length);
      targetCount = Math.addExact(targetCount, row.targets().length);
      words = Math.addExact(words, 1 + logprobs(row) + 2 * alternatives(row));
    }
    penalties = penaltyCount;
    targets = targetCount;
    resultWords = words;
  }

  private static void requireTokens(int[] ids, int tokens) {
    for (int id : ids) {
      if (id < 0 || id >= tokens) {
        throw new IllegalArgumentException("Token [" + id + "] of [" + tokens + "] tokens");
      }
    }
  }

  /// How many log-probabilities of targets, or of the sampled token, a row's answer has.
  static int logprobs(SampleRow row) {
    return row.alternatives() == SampleRow.NO_LOGPROBS ? 0 : Math.max(1, row.targets().length);
  }

  /// How many alternatives it has.
  static int alternatives(SampleRow row) {
    return Math.max(0, row.alternatives());
  }

  /// Bytes of the request.
  long bytes() {
    long words = (long) COLUMNS * rows.size() + LISTS * (rows.size() + 1L);
    return (long) Double.BYTES * rows.size() + Integer.BYTES * (words + 2L * penalties + targets);
  }

  /// Tokens with penalties, those of all rows.
  int penalties() {
    return penalties;
  }

  /// Bytes of the answer.
  long resultBytes() {
    return (long) Integer.BYTES * resultWords;
  }

  /// Writes the request to `target`, which is aligned to 8 bytes.
  void write(MemorySegment target) {
    int count = rows.size();
    MemorySegment words = target.asSlice((long) Double.BYTES * count);
    long starts = (long) COLUMNS * count;
    long penaltyTokens = starts + LISTS * (count + 1L);
    int penalty = 0;
    int first = 0;
    int result = 0;
    for (int r = 0; r < count; r++) {
      SampleRow row = rows.get(r);
      SampleRow.Penalties lowered = row.penalties();
      target.setAtIndex(ValueLayout.JAVA_DOUBLE, r, row.uniform());
      real(words, r, row.temperature());
      integer(words, count + r, row.topK());
      real(words, 2L * count + r, row.topP());
      real(words, 3L * count + r, row.minP());
      real(words, 4L * count + r, lowered.repetition());
      real(words, 5L * count + r, lowered.presence());
      real(words, 6L * count + r, lowered.frequency());
      integer(words, 7L * count + r, row.alternatives());
      starts(words, starts + r, penalty, first, result);
      integers(words, penaltyTokens + penalty, lowered.tokens(), lowered.tokens().length);
      integers(
          words,
          penaltyTokens + penalties + penalty,
          lowered.outputCounts(),
          lowered.tokens().length);
      integers(words, penaltyTokens + 2L * penalties + first, row.targets(), row.targets().length);
      penalty += lowered.tokens().length;
      first += row.targets().length;
      result += 1 + logprobs(row) + 2 * alternatives(row);
    }
    starts(words, starts + count, penalty, first, result);
  }

  private void starts(MemorySegment words, long at, int penalty, int target, int result) {
    long stride = rows.size() + 1L;
    integer(words, at, penalty);
    integer(words, at + stride, target);
    integer(words, at + 2 * stride, result);
  }

  private static void integer(MemorySegment words, long index, int value) {
    words.setAtIndex(ValueLayout.JAVA_INT, index, value);
  }

  private static void real(MemorySegment words, long index, float value) {
    words.setAtIndex(ValueLayout.JAVA_FLOAT, index, value);
  }

  private static void integers(MemorySegment words, long index, int[] values, int count) {
    MemorySegment.copy(values, 0, words, ValueLayout.JAVA_INT, Integer.BYTES * index, count);
  }
}
