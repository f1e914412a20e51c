package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.Panels;
import io.sparkllama4.tensor.Quantization;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/// Turns inputs of a panel into floats `[inputs][16]`, as [Matrix#weight] defines them; of matrices
/// that quantise their inputs, into their integers.
final class PanelUnpacker {
  private static final int ROWS = Panels.ROWS;

  /// The values of all 256 codes of an 8-bit float, NaN codes as the kernels see them: as numbers.
  /// A row that has one has a NaN scale.
  private static final float[] FP8 = fp8Values();

  private PanelUnpacker() {}

  private static float[] fp8Values() {
    float[] values = new float[256];
    for (int code = 0; code < values.length; code++) {
      float value = Elements.float8((byte) code);
      values[code] = Float.isNaN(value) ? 0 : value;
    }
    return values;
  }

  /// Writes inputs `first` up to `end` of panel `panel`; `first` is a multiple of 8.
  static void unpack(Matrix matrix, long panel, int first, int end, float[] target) {
    DType dtype = matrix.values().dtype();
    MemorySegment data = matrix.values().row(panel).data();
    switch (dtype) {
      case BF16 -> bfloat16(data, first, end, target);
      case U8 -> int8(data, first, end, target);
      case I32 -> int4(matrix, data, panel, first, end, target);
      case F8_E4M3 -> float8(matrix, data, panel, first, end, target);
      default -> {
        for (int i = first * ROWS; i < end * ROWS; i++) {
          target[i - first * ROWS] = Elements.decode(data, dtype, i);
        }
      }
    }
  }

  private static void bfloat16(MemorySegment data, int first, int end, float[] target) {
    for (int i = first; i < end; i += 2) {
      for (int lane = 0; lane < ROWS; lane += Lanes.COUNT) {
        IntVector words = Lanes.ints(data, 4L * (i / 2 * ROWS + lane));
        int at = (i - first) * ROWS + lane;
        Lanes.lowerBfloat16(words).intoArray(target, at);
        if (i + 1 < end) {
          Lanes.upperBfloat16(words).intoArray(target, at + ROWS);
        }
      }
    }
  }

  private static FloatVector floats(IntVector values) {
    return (FloatVector) values.convertShape(VectorOperators.I2F, Lanes.FLOATS, 0);
  }

  private static void int8(MemorySegment data, int first, int end, float[] target) {
    for (int i = first; i < end; i += 4) {
      for (int lane = 0; lane < ROWS; lane += Lanes.COUNT) {
        IntVector words = Lanes.ints(data, 4L * (i / 4 * ROWS + lane));
        for (int j = 0; j < Math.min(4, end - i); j++) {
          IntVector value =
              words
                  .lanewise(VectorOperators.LSHR, 8 * j)
                  .lanewise(VectorOperators.AND, 0xff)
                  .sub(128);
          floats(value).intoArray(target, (i + j - first) * ROWS + lane);
        }
      }
    }
  }

  private static void int4(
      Matrix matrix, MemorySegment data, long panel, int first, int end, float[] target) {
    var quantization = (Quantization.Int4PerGroup) matrix.quantization();
    boolean scales = !quantization.quantizesInputs();
    float[] scale = new float[ROWS];
    int scaled = -1;
    for (int i = first; i < end; i += 8) {
      int group = i / quantization.group();
      if (scales && group != scaled) {
        for (int lane = 0; lane < ROWS; lane++) {
          scale[lane] = Panels.scale(matrix, panel * ROWS + lane, i);
        }
        scaled = group;
      }
      for (int lane = 0; lane < ROWS; lane += Lanes.COUNT) {
        IntVector words = Lanes.ints(data, 4L * (i / 8 * ROWS + lane));
        for (int j = 0; j < Math.min(8, end - i); j++) {
          IntVector code =
              words
                  .lanewise(VectorOperators.LSHR, Panels.nibbleShift(j))
                  .lanewise(VectorOperators.AND, 0xf)
                  .sub(8);
          FloatVector value = floats(code);
          if (scales) {
            value = value.mul(FloatVector.fromArray(Lanes.FLOATS, scale, lane));
          }
          value.intoArray(target, (i + j - first) * ROWS + lane);
        }
      }
    }
  }

  private static void float8(
      Matrix matrix, MemorySegment data, long panel, int first, int end, float[] target) {
    Tensor scales = ((Quantization.Fp8PerRow) matrix.quantization()).scales();
    for (int lane = 0; lane < ROWS; lane++) {
      float scale = scales.at(panel * ROWS + lane);
      for (int i = first; i < end; i++) {
        int code = data.get(ValueLayout.JAVA_BYTE, (long) i * ROWS + lane) & 0xff;
        target[(i - first) * ROWS + lane] = FP8[code] * scale;
      }
    }
  }
}
