package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.Quantization;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Turns rows of stored weights into floats, exactly as [Matrix#weight] defines them.
final class WeightRows {
  /// The values of all 256 codes of an 8-bit float.
  private static final float[] FP8 = fp8Values();

  private WeightRows() {}

  private static float[] fp8Values() {
    float[] values = new float[256];
    for (int code = 0; code < values.length; code++) {
      values[code] = Elements.float8((byte) code);
    }
    return values;
  }

  /// True of the form whose even and odd inputs stand in pieces of their own.
  static boolean interleaves(Matrix matrix) {
    return matrix.values().dtype() == DType.BF16
        && matrix.quantization() instanceof Quantization.None;
  }

  /// Writes a row of weights, zeros behind the last.
  ///
  /// @param places `pieces.places()`
  static void unpack(
      Matrix matrix, long row, Pieces pieces, int[] places, float[] target, int offset) {
    int columns = pieces.inputs();
    MemorySegment data = matrix.values().data();
    pieces.clearTail(target, offset);
    switch (matrix.quantization()) {
      case Quantization.None _ when pieces.interleaves() ->
          bfloat16(data, row * columns, pieces, places, target, offset);
      case Quantization.None _ -> {
        DType dtype = matrix.values().dtype();
        for (int i = 0; i < columns; i++) {
          target[offset + places[i]] = Elements.decode(data, dtype, row * columns + i);
        }
      }
      case Quantization.Fp8PerRow(Tensor scales) -> {
        float scale = scales.decode(row);
        for (int i = 0; i < columns; i++) {
          int code = data.get(ValueLayout.JAVA_BYTE, row * columns + i) & 0xff;
          target[offset + places[i]] = FP8[code] * scale;
        }
      }
      case Quantization.Int4PerGroup(Tensor scales, int group) -> {
        long bytes = 4 * Matrix.wordsPerRow(columns);
        MemorySegment words = data.asSlice(row * bytes, bytes);
        Tensor rowScales = scales.row(row);
        float scale = 0;
        for (int i = 0; i < columns; i++) {
          if (i % group == 0) {
            scale = rowScales.decode(i / group);
          }
          int word = words.get(Elements.INT, 4L * (i / 8));
          target[offset + places[i]] = (((word >>> (4 * (i % 8))) & 0xf) - 8) * scale;
        }
      }
    }
  }

  private static void bfloat16(
      MemorySegment data, long first, Pieces pieces, int[] places, float[] target, int offset) {
    int n = Lanes.COUNT;
    int chain = pieces.chainStride();
    int columns = pieces.inputs();
    int i = 0;
    for (int at = offset; i + 4 * n <= columns; i += 4 * n, at += pieces.pieceStride()) {
      var near = Lanes.ints(data, 2 * (first + i));
      var far = Lanes.ints(data, 2 * (first + i) + 4L * n);
      Lanes.lowerBfloat16(near).intoArray(target, at);
      Lanes.upperBfloat16(near).intoArray(target, at + chain);
      Lanes.lowerBfloat16(far).intoArray(target, at + 2 * chain);
      Lanes.upperBfloat16(far).intoArray(target, at + 3 * chain);
    }
    for (; i < columns; i++) {
      target[offset + places[i]] = Elements.bfloat16(data.get(Elements.SHORT, 2 * (first + i)));
    }
  }
}
