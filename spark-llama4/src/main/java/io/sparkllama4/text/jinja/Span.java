package io.sparkllama4.text.jinja;

import java.util.Iterator;
import java.util.stream.LongStream;

/// Python's `range`: from `start`, by `step`, up to `stop` without it.
///
/// @param start the first number
/// @param stop where it ends
/// @param step the distance, not 0
record Span(long start, long stop, long step) {
  /// As many as jinja2's sandbox allows.
  private static final long MOST = 100_000;

  Span {
    if (step == 0) {
      throw new TemplateException("range() arg 3 must not be zero");
    }
    if (length(start, stop, step) > MOST) {
      throw new TemplateException("Range too big: more than " + MOST + " numbers");
    }
  }

  private static double length(long start, long stop, long step) {
    return Math.max(0, Math.ceil(((double) stop - (double) start) / step));
  }

  int length() {
    return (int) length(start, stop, step);
  }

  long at(int index) {
    return start + index * step;
  }

  Iterator<Object> iterator() {
    return LongStream.range(0, length()).mapToObj(i -> (Object) (start + i * step)).iterator();
  }
}
