package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.Panels;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/// Up to 16 rows of a stored matrix on their way into a panel. One instance per thread.
final class PanelRows {
  private static final int ROWS = Panels.ROWS;

  private final int columns;

  /// `[16][columns]`, zeros where the matrix has no such row.
  private final float[] weights;

  PanelRows(int columns) {
    this.columns = columns;
    this.weights = new float[ROWS * columns];
  }

  /// Reads rows `first` up to `first + count` as floats.
  void read(Matrix source, long first, int count) {
    Arrays.fill(weights, 0);
    DType dtype = source.values().dtype();
    MemorySegment data = source.values().data();
    boolean isPlain = dtype.isWideFloat();
    if (isPlain && source.order() == Matrix.Order.INPUT_MAJOR) {
      for (int i = 0; i < columns; i++) {
        for (int lane = 0; lane < count; lane++) {
          weights[lane * columns + i] =
              Elements.decode(data, dtype, i * source.rows() + first + lane);
        }
      }
      return;
    }
    for (int lane = 0; lane < count; lane++) {
      long row = first + lane;
      for (int i = 0; i < columns; i++) {
        weights[lane * columns + i] =
            isPlain ? Elements.decode(data, dtype, row * columns + i) : source.weight(row, i);
      }
    }
  }

  /// Writes what was read as plain values.
  void write(DType dtype, Tensor panel) {
    MemorySegment data = panel.data();
    for (int lane = 0; lane < ROWS; lane++) {
      for (int i = 0; i < columns; i++) {
        float weight = weights[lane * columns + i];
        long at = Panels.index(dtype, lane, i);
        switch (dtype) {
          case F32 -> data.set(Elements.FLOAT, 4 * at, weight);
          case BF16 -> data.set(Elements.SHORT, 2 * at, Elements.toBfloat16(weight));
          case F16 -> data.set(Elements.SHORT, 2 * at, Float.floatToFloat16(weight));
          default -> throw new IllegalArgumentException("No plain weights of [" + dtype + "]");
        }
      }
    }
  }

  /// Brain floats as they are: two inputs of a row make one word.
  static void copyBfloat16(Matrix source, long first, int count, Tensor panel) {
    MemorySegment from = source.values().data();
    MemorySegment to = panel.data();
    long columns = source.columns();
    long rows = source.rows();
    boolean byInput = source.order() == Matrix.Order.INPUT_MAJOR;
    for (long i = 0; i < columns; i += 2) {
      boolean hasSecond = i + 1 < columns;
      for (int lane = 0; lane < count; lane++) {
        long low = byInput ? i * rows + first + lane : (first + lane) * columns + i;
        long high = byInput ? low + rows : low + 1;
        int word = from.get(Elements.SHORT, 2 * low) & 0xffff;
        if (hasSecond) {
          word |= from.get(Elements.SHORT, 2 * high) << 16;
        }
        to.set(Elements.INT, 4 * (i / 2 * ROWS + lane), word);
      }
    }
  }

  /// A scale per row.
  interface RowScale {
    float of(int lane);
  }

  /// 8-bit floats as they are. Kernels know no NaN among them: a row that has one gets a NaN as its
  /// scale, which makes its outputs what they would be.
  void copyFloat8(
      Matrix source, long first, int count, Tensor panel, RowScale stored, Tensor scales) {
    MemorySegment from = source.values().data();
    for (int lane = 0; lane < count; lane++) {
      float scale = stored.of(lane);
      for (int i = 0; i < columns; i++) {
        byte code = from.get(ValueLayout.JAVA_BYTE, (first + lane) * columns + i);
        if ((code & 0x7f) == 0x7f) {
          scale = Float.NaN;
        }
        panel.data().set(ValueLayout.JAVA_BYTE, Panels.index(DType.F8_E4M3, lane, i), code);
      }
      scales.set(lane, scale);
    }
  }

  /// Stored nibbles in the order of a panel's words.
  static void copyInt4(Matrix source, long first, int count, Tensor panel) {
    long columns = source.columns();
    long words = Matrix.wordsPerRow(columns);
    for (int lane = 0; lane < count; lane++) {
      for (long word = 0; word < words; word++) {
        int stored = source.values().intAt((first + lane) * words + word);
        int packed = 0;
        for (int i = 0; i < 8; i++) {
          // Nibbles behind the last column may be anything; 8 stands for 0.
          int nibble = 8 * word + i < columns ? (stored >>> (4 * i)) & 0xf : 8;
          packed |= nibble << Panels.nibbleShift(i);
        }
        panel.set(word * ROWS + lane, packed);
      }
    }
  }

  /// Scales `[rows, groups]` as `[groups][16]`.
  static void copyScales(Tensor stored, long first, int count, Tensor panel) {
    long groups = stored.rowElements();
    for (int lane = 0; lane < count; lane++) {
      for (long g = 0; g < groups; g++) {
        float scale = stored.decode((first + lane) * groups + g);
        long at = g * ROWS + lane;
        if (panel.dtype() == DType.BF16) {
          panel.data().set(Elements.SHORT, 2 * at, Elements.toBfloat16(scale));
        } else {
          panel.set(at, scale);
        }
      }
    }
  }

  /// Writes what was read as 8-bit integers: `scale = max |w| / 127`.
  ///
  /// @param scales `[2, 16]`: scales, and sums of the integers
  void quantizeInt8(Tensor panel, Tensor scales) {
    MemorySegment data = panel.data();
    for (int lane = 0; lane < ROWS; lane++) {
      float most = 0;
      for (int i = lane * columns; i < (lane + 1) * columns; i++) {
        most = Math.max(most, Math.abs(weights[i]));
      }
      float inverse = QuantizedRow.inverse(most);
      int sum = 0;
      for (int i = 0; i < columns; i++) {
        int code = QuantizedRow.code(weights[lane * columns + i], inverse);
        sum += code;
        data.set(ValueLayout.JAVA_BYTE, Panels.index(DType.I8, lane, i), (byte) code);
      }
      scales.set(lane, most / 127);
      scales.set(ROWS + lane, (float) sum);
    }
  }

  /// Writes what was read as 4-bit integers with a brain float scale per group.
  ///
  /// @param scales BF16 `[groups, 16]`
  void quantizeInt4(int group, Tensor panel, Tensor scales) {
    int padded = (int) Panels.roundUp(columns, group);
    int[] words = new int[padded / 8];
    for (int lane = 0; lane < ROWS; lane++) {
      Arrays.fill(words, 0);
      for (int from = 0; from < padded; from += group) {
        int begin = lane * columns + Math.min(from, columns);
        int end = lane * columns + Math.min(from + group, columns);
        short bits = groupScale(begin, end);
        scales.data().set(Elements.SHORT, 2L * (from / group * ROWS + lane), bits);
        float scale = Elements.bfloat16(bits);
        for (int i = from; i < from + group; i++) {
          int at = lane * columns + i;
          int code = at < end && scale != 0 ? code4(weights[at], 1 / scale) : 0;
          words[i / 8] |= (code + 8) << Panels.nibbleShift(i);
        }
      }
      for (int word = 0; word < words.length; word++) {
        panel.set((long) word * ROWS + lane, words[word]);
      }
    }
  }

  private static int code4(float weight, float inverse) {
    return (int) Math.clamp(Math.rint(weight * inverse), -8, 7);
  }

  /// The better of two scales by squared error: one puts the largest weight at -8, which uses the
  /// whole range, the other at 7 or -7.
  ///
  /// A NaN where a weight is not finite: the group's outputs are then what they would be.
  private short groupScale(int begin, int end) {
    float largest = 0;
    for (int i = begin; i < end; i++) {
      if (!Float.isFinite(weights[i])) {
        return Elements.toBfloat16(Float.NaN);
      }
      if (Math.abs(weights[i]) > Math.abs(largest)) {
        largest = weights[i];
      }
    }
    short whole = Elements.toBfloat16(largest / -8);
    short even = Elements.toBfloat16(Math.abs(largest) / 7);
    return error(begin, end, whole) <= error(begin, end, even) ? whole : even;
  }

  private float error(int begin, int end, short bits) {
    float scale = Elements.bfloat16(bits);
    float inverse = scale == 0 ? 0 : 1 / scale;
    float sum = 0;
    for (int i = begin; i < end; i++) {
      float difference = weights[i] - code4(weights[i], inverse) * scale;
      sum += difference * difference;
    }
    return sum;
  }
}
