package io.sparkllama4.backend;

/// Consecutive things of one kind that one rank holds: heads, experts, outputs of a matrix.
///
/// @param first the first of them
/// @param end the first behind them
public record Span(int first, int end) {
  /// @throws IllegalArgumentException where it would hold fewer than none
  public Span {
    if (first < 0 || end < first) {
      throw new IllegalArgumentException("A span from " + first + " to " + end);
    }
  }

  /// All of `count` things.
  public static Span all(int count) {
    return new Span(0, count);
  }

  /// How many they are.
  public int count() {
    return end - first;
  }

  /// Whether `index` is one of them.
  public boolean contains(int index) {
    return index >= first && index < end;
  }

  /// The elements of these things, `width` each.
  public Span times(int width) {
    return new Span(Math.multiplyExact(first, width), Math.multiplyExact(end, width));
  }
}
