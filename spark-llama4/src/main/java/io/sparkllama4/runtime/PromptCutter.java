package io.sparkllama4.runtime;

import io.sparkllama4.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.function.Function;

/// Shortens texts by whole tokens until the prompt around them fits.
///
/// The text's own tokens are counted; a character of which a part would stay is dropped as a whole.
/// The cut text is encoded again with everything around it, so that the prompt is one that could
/// have been asked: it keeps the most tokens with which it fits.
final class PromptCutter {
  private final Tokenizer tokenizer;

  PromptCutter(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /// The ids of the longest prompt with a part of `text` that fits.
  ///
  /// @param prompt makes the whole prompt's ids of a text
  /// @param policy which part stays
  /// @param limit most ids
  /// @param length ids of the prompt with the whole text
  Optional<int[]> cut(
      String text, Function<String, int[]> prompt, OnLongPrompt policy, int limit, int length) {
    Tokens tokens = Tokens.of(tokenizer, text);
    int most = tokens.ends.length - 1;
    int kept = Math.min(most, Math.max(1, tokens.ends.length - (length - limit)));
    int[] ids = new int[0];
    boolean fits = false;
    while (kept > 0 && !fits) {
      String part = tokens.keep(kept, policy);
      if (part.isEmpty()) {
        return Optional.empty();
      }
      ids = prompt.apply(part);
      fits = ids.length <= limit;
      kept -= fits ? 0 : Math.max(1, ids.length - limit);
    }
    // Around a cut, tokens may join, so that a few more fit than were counted.
    for (boolean grows = fits; grows && kept < most; kept++) {
      int[] more = prompt.apply(tokens.keep(kept + 1, policy));
      grows = more.length <= limit;
      ids = grows ? more : ids;
    }
    return fits ? Optional.of(ids) : Optional.empty();
  }

  /// The first, the last, or the first and last of `ids`.
  static int[] cut(int[] ids, OnLongPrompt policy, int limit) {
    int front = front(limit, policy);
    int[] kept = new int[limit];
    System.arraycopy(ids, 0, kept, 0, front);
    System.arraycopy(ids, ids.length - (limit - front), kept, front, limit - front);
    return kept;
  }

  /// How many of `kept` tokens stand at the beginning.
  private static int front(int kept, OnLongPrompt policy) {
    return switch (policy) {
      case TRUNCATE_HEAD -> 0;
      case TRUNCATE_TAIL -> kept;
      case TRUNCATE_MIDDLE -> kept - kept / 2;
      case FAIL, NULL -> throw new IllegalArgumentException(policy + " cuts nothing");
    };
  }

  /// A text and where its tokens end.
  ///
  /// @param bytes its UTF-8
  /// @param ends behind the last byte of each token
  @SuppressWarnings("ArrayRecordComponent") // Nobody compares it.
  private record Tokens(byte[] bytes, int[] ends) {
    static Tokens of(Tokenizer tokenizer, String text) {
      int[] ids = tokenizer.encode(text);
      int[] ends = new int[ids.length];
      int end = 0;
      for (int i = 0; i < ids.length; i++) {
        end += tokenizer.byteCount(ids[i]);
        ends[i] = end;
      }
      // A tokenizer may normalize: the bytes that its tokens stand for count.
      return new Tokens(tokenizer.decode(ids).getBytes(StandardCharsets.UTF_8), ends);
    }

    String keep(int kept, OnLongPrompt policy) {
      int front = front(kept, policy);
      int headEnd = front == 0 ? 0 : ends[front - 1];
      int tail = ends.length - (kept - front);
      int tailStart = tail == 0 ? 0 : ends[tail - 1];
      while (headEnd > 0 && !isBoundary(headEnd)) {
        headEnd--;
      }
      while (!isBoundary(tailStart)) {
        tailStart++;
      }
      return new String(bytes, 0, headEnd, StandardCharsets.UTF_8)
          + new String(bytes, tailStart, bytes.length - tailStart, StandardCharsets.UTF_8);
    }

    /// True where a character begins, or the text ends.
    private boolean isBoundary(int at) {
      return at >= bytes.length || (bytes[at] & 0xc0) != 0x80;
    }
  }
}
