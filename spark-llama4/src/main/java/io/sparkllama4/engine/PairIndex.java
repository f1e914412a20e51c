package io.sparkllama4.engine;

import java.util.Arrays;

/// Finds where tokens stand in a list that grows, by pairs of neighbours.
final class PairIndex {
  /// Places that are looked at, and how many tokens up to them are compared.
  private static final int CANDIDATES = 16;

  private static final int CONTEXT = 8;

  private final IntList tokens;

  /// The last place of a pair of tokens, by its hash, and for each place the one before it; a place
  /// is that of the pair's second token. Place 0 has no pair and stands for none.
  private int[] last = new int[0];

  private final IntList previous = new IntList(16);

  /// @param tokens that are indexed; more may be added behind them
  PairIndex(IntList tokens) {
    this.tokens = tokens;
  }

  IntList tokens() {
    return tokens;
  }

  /// A place, and how many tokens up to it are those up to the end of what was looked for.
  record Match(int place, int length) {
    static final Match NONE = new Match(-1, 1);
  }

  /// The place before the last where the end of `context` stands at greatest length, the latest of
  /// equals; it is one of two tokens at least.
  Match find(IntList context) {
    extend();
    int end = context.size() - 1;
    int place = end < 1 ? 0 : last[slot(context.get(end - 1), context.get(end))];
    Match best = Match.NONE;
    for (int i = 0; i < CANDIDATES && place > 0; i++) {
      if (place < tokens.size() - 1) {
        int length = common(place, context, end);
        if (length > best.length()) {
          best = new Match(place, length);
        }
      }
      place = previous.get(place);
    }
    return best;
  }

  private int common(int place, IntList context, int end) {
    int most = Math.min(CONTEXT, Math.min(place, end) + 1);
    int length = 0;
    while (length < most && tokens.get(place - length) == context.get(end - length)) {
      length++;
    }
    return length;
  }

  /// Takes in what is new.
  private void extend() {
    if (2 * tokens.size() > last.length || last.length == 0) {
      last = new int[Math.max(64, Integer.highestOneBit(tokens.size()) * 4)];
      previous.clear();
    }
    if (previous.isEmpty()) {
      Arrays.fill(last, 0);
      previous.add(0);
    }
    for (int place = previous.size(); place < tokens.size(); place++) {
      int slot = slot(tokens.get(place - 1), tokens.get(place));
      previous.add(last[slot]);
      last[slot] = place;
    }
  }

  /// Pairs that share a slot are told apart by comparing them.
  private int slot(int first, int second) {
    int hash = (first * 31 + second) * 0x9e3779b9;
    return hash >>> (Integer.numberOfLeadingZeros(last.length) + 1);
  }
}
