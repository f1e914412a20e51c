package io.sparkllama4.text.jinja;

import java.time.Duration;

/// What one rendering may take.
///
/// @param outputChars the longest single text, the output among them
/// @param textChars all text and list elements that the rendering makes, together
/// @param steps expressions, statements and loop passes
/// @param depth calls, loops and values within each other
/// @param time how long it may take; a backstop, since the others do not depend on the machine
public record Limits(long outputChars, long textChars, long steps, int depth, Duration time) {
  /// Ample for a prompt of ten million tokens, small beside the memory that such a prompt's model
  /// takes.
  public static final Limits STANDARD =
      new Limits(64L << 20, 512L << 20, 50_000_000, 200, Duration.ofSeconds(30));

  /// Checks that every limit is at least 1.
  public Limits {
    if (outputChars < 1 || textChars < 1 || steps < 1 || depth < 1 || time.isNegative()) {
      throw new IllegalArgumentException("A limit is below 1");
    }
  }
}
