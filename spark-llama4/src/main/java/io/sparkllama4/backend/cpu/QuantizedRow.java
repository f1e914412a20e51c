package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.Elements;
import java.lang.foreign.MemorySegment;

/// How a row of inputs becomes 8-bit integers: the definition that all kernel paths follow to the
/// bit.
final class QuantizedRow {
  private static final int MOST = 127;

  private QuantizedRow() {}

  /// `max |x| / 127`; NaN where an input is NaN or infinite, so that every output becomes NaN.
  static float scale(MemorySegment row, long at, int inputs) {
    float most = 0;
    float odd = 0;
    for (int i = 0; i < inputs; i++) {
      float x = row.get(Elements.FLOAT, at + 4L * i);
      most = Math.max(most, Math.abs(x));
      // 0, or NaN for what is not finite.
      odd += 0 * x;
    }
    return most / MOST + odd;
  }

  /// `127 / max |x|` computed from the inputs, 0 where all are 0 or so small that it overflows.
  static float inverse(MemorySegment row, long at, int inputs) {
    float most = 0;
    for (int i = 0; i < inputs; i++) {
      most = Math.max(most, Math.abs(row.get(Elements.FLOAT, at + 4L * i)));
    }
    return inverse(most);
  }

  /// `127 / most`, 0 where that is infinite.
  static float inverse(float most) {
    float inverse = most > 0 ? MOST / most : 0;
    return Float.isInfinite(inverse) ? 0 : inverse;
  }

  /// `x * inverse` to the nearest integer, ties to even.
  static int code(float x, float inverse) {
    return (int) Math.rint(x * inverse);
  }
}
