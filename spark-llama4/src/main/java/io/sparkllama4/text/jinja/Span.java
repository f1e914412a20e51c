package io.sparkllama4.text.jinja;

import java.util.AbstractList;

/// Python's range.
final class Span extends AbstractList<Object> {
  private final long start;
  private final long stop;
  private final long step;

  Span(long start, long stop, long step) {
    if (step == 0) {
      throw new TemplateException("range() arg 3 must not be zero");
    }
    this.start = start;
    this.stop = stop;
    this.step = step;
  }

  @Override
  public Object get(int index) {
    return start + index * step;
  }

  @Override
  public int size() {
    long size = step > 0 ? (stop - start + step - 1) / step : (start - stop - step - 1) / -step;
    return Math.clamp(size, 0, Integer.MAX_VALUE);
  }

  @Override
  public String toString() {
    return "range(" + start + ", " + stop + (step == 1 ? ")" : ", " + step + ")");
  }
}
