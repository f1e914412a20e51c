package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.Panels;
import io.sparkllama4.tensor.Quantization;
import java.lang.foreign.MemorySegment;

/// How a row of inputs becomes small integers: the definition that all kernel paths follow to the
/// bit. An input is an integer times the scale of its group, `max |x|` of the group over `levels`;
/// the integer is the nearest, ties to even.
///
/// Inputs of 8-bit weights have 64 levels and a scale for every 64 of them: so the products of two
/// pairs add up within 16 bits, which is what processors without 8-bit dot instructions have. Those
/// of 4-bit weights have 127 levels and one scale.
///
/// @param levels the largest integer
/// @param group inputs that share a scale
record QuantizedRow(int levels, int group) {
  static final int INT8_LEVELS = 64;

  private static final QuantizedRow FOR_INT8 = new QuantizedRow(INT8_LEVELS, Panels.INT8_GROUP);

  /// Inputs of weights of this form, in rows of `columns`.
  static QuantizedRow of(Quantization weights, int columns) {
    return weights instanceof Quantization.Int8PerRow ? FOR_INT8 : new QuantizedRow(127, columns);
  }

  /// Scales of a row of `columns`.
  int scales(int columns) {
    return (columns + group - 1) / group;
  }

  /// Quantises a row of `codes.length` floats.
  ///
  /// @param codes the integers
  /// @param scales of the groups; NaN where an input is NaN or infinite, so that every output
  ///     becomes NaN
  void quantize(MemorySegment row, long at, int[] codes, float[] scales) {
    for (int from = 0; from < codes.length; from += group) {
      int end = Math.min(codes.length, from + group);
      float most = 0;
      float odd = 0;
      for (int i = from; i < end; i++) {
        float x = row.get(Elements.FLOAT, at + 4L * i);
        most = Math.max(most, Math.abs(x));
        // 0, or NaN for what is not finite.
        odd += 0 * x;
      }
      scales[from / group] = most / levels + odd;
      float inverse = inverse(levels, most);
      for (int i = from; i < end; i++) {
        codes[i] = (int) Math.rint(row.get(Elements.FLOAT, at + 4L * i) * inverse);
      }
    }
  }

  /// `levels / most`, 0 where that is infinite: inputs so small count as 0.
  static float inverse(int levels, float most) {
    float inverse = most > 0 ? levels / most : 0;
    return Float.isInfinite(inverse) ? 0 : inverse;
  }
}
