package io.sparkllama4.engine;

/// What rows have said lately. Rows of one call answer in one form: what stands between the values
/// of a JSON object, or at the beginning of a summary, is the same from row to row.
final class RecentOutputs {
  /// Behind the end of an output.
  static final int END = -1;

  /// Tokens of a generation; the one before it is kept, so that it holds this many at least.
  private static final int GENERATION = 1 << 15;

  /// Tokens of a prompt that go with its output: they tell where an output begins.
  private static final int PROMPT_TOKENS = 4;

  private PairIndex now = new PairIndex(new IntList(16));
  private PairIndex before = new PairIndex(new IntList(16));

  /// Keeps the output of a row.
  void add(Sequence sequence) {
    if (now.tokens().size() >= GENERATION) {
      before = now;
      now = new PairIndex(new IntList(16));
    }
    int first = Math.max(0, sequence.promptTokens() - PROMPT_TOKENS);
    for (int i = first; i < sequence.length() && i < first + GENERATION; i++) {
      now.tokens().add(sequence.tokens().get(i));
    }
    now.tokens().add(END);
  }

  /// Where the end of `context` was said before, if at greater length than `length`.
  Said find(IntList context, int length) {
    PairIndex.Match lately = now.find(context);
    PairIndex.Match earlier = before.find(context);
    PairIndex source = earlier.length() > lately.length() ? before : now;
    PairIndex.Match match = source == before ? earlier : lately;
    return match.length() > length ? new Said(source.tokens(), match.place()) : Said.NOTHING;
  }

  /// A place in tokens that were said.
  ///
  /// @param place of the last that is known; -1 for none
  record Said(IntList tokens, int place) {
    static final Said NOTHING = new Said(new IntList(0), -1);
  }
}
