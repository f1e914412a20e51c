package io.sparkllama4.engine;

/// Guesses how a sequence goes on: as it went on where its last tokens stood before, in itself or
/// in what other rows have said lately. Outputs that copy from their prompt, as in extraction, or
/// that have a form, are guessed well, at the cost of a look-up.
///
/// One per sequence, confined to the engine's thread.
final class Drafter {
  /// The most tokens that are guessed at once.
  static final int MOST_TOKENS = 8;

  private static final int FIRST_TOKENS = 4;

  /// Tokens of the output for which nothing is guessed after guesses were wrong.
  private static final int PAUSE = 16;

  private final IntList tokens;
  private final PairIndex index;
  private int limit = FIRST_TOKENS;
  private int resume;

  /// @param tokens of the sequence, which grow
  Drafter(IntList tokens) {
    this.tokens = tokens;
    this.index = new PairIndex(tokens);
  }

  /// Adds at most `most` guesses to `drafts`, which is empty.
  void draft(int most, RecentOutputs recent, IntList drafts) {
    int count = Math.min(most, limit);
    if (count <= 0 || tokens.size() < resume) {
      return;
    }
    PairIndex.Match own = index.find(tokens);
    RecentOutputs.Said said = recent.find(tokens, own.length());
    if (said.place() >= 0) {
      for (int i = said.place() + 1; drafts.size() < count; i++) {
        if (said.tokens().get(i) == RecentOutputs.END) {
          return;
        }
        drafts.add(said.tokens().get(i));
      }
    } else if (own.place() >= 0) {
      for (int i = own.place() + 1; drafts.size() < count; i++) {
        // What is guessed is part of what the next guess is copied from: a repetition goes on.
        drafts.add(i < tokens.size() ? tokens.get(i) : drafts.get(i - tokens.size()));
      }
    }
  }

  /// Learns that of `drafted` guesses the first `accepted` were right.
  void learn(int drafted, int accepted) {
    if (accepted == drafted) {
      limit = Math.min(MOST_TOKENS, 2 * Math.max(drafted, limit / 2));
    } else if (accepted == 0 && limit == 1) {
      resume = tokens.size() + PAUSE;
    } else {
      limit = Math.max(1, Math.max(accepted, limit / 2));
    }
  }
}
