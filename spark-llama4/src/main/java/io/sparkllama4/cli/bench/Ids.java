package io.sparkllama4.cli.bench;

/// Prompts that any program can reproduce: ids of a linear congruential generator (Knuth's
/// constants for 64 bits), from seeds that benchmarks of other engines use too.
final class Ids {
  private static final long PREFILL_SEED = 1;
  private static final long PREFIX_SEED = 2;
  private static final long LABEL_SEED = 3;
  private static final long SEQUENCE_SEED = 1_000;
  private static final long ROW_SEED = 1_000_000;

  /// Seeds of labels lie this far apart.
  private static final long LABEL_STEP = 100;

  private final int vocabulary;

  /// Ids below `vocabulary`.
  Ids(int vocabulary) {
    this.vocabulary = vocabulary;
  }

  /// The prompt of a prefill case.
  int[] prefill(int length) {
    return from(PREFILL_SEED, length);
  }

  /// What rows have in common.
  int[] prefix(int length) {
    return from(PREFIX_SEED, length);
  }

  /// The prompt of sequence `s` of a decode case.
  int[] sequence(int s, int length) {
    return from(SEQUENCE_SEED + s, length);
  }

  /// What row `row` has for itself.
  int[] row(int row, int length) {
    return from(ROW_SEED + row, length);
  }

  /// Label `label`.
  int[] label(int label, int length) {
    return from(LABEL_SEED + LABEL_STEP * label, length);
  }

  private int[] from(long seed, int length) {
    int[] ids = new int[length];
    long state = seed;
    for (int i = 0; i < length; i++) {
      state = state * 6364136223846793005L + 1442695040888963407L;
      ids[i] = (int) Long.remainderUnsigned(state >>> 33, vocabulary);
    }
    return ids;
  }
}
