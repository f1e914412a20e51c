package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Quantization;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/// Tensors and matrices of random values, with the extremes of their types among them.
public final class RandomTensors {
  /// Stored forms of a matrix.
  public enum Form {
    F32,
    F16,
    BF16,
    F32_INPUT_MAJOR,
    F16_INPUT_MAJOR,
    BF16_INPUT_MAJOR,
    FP8,
    INT4
  }

  private final Random random;
  private final NativeArena arena;

  public RandomTensors(long seed, NativeArena arena) {
    this.random = new Random(seed);
    this.arena = arena;
  }

  public Tensor floats(long... sizes) {
    Tensor tensor = arena.allocate(DType.F32, sizes);
    for (long i = 0; i < tensor.shape().elements(); i++) {
      tensor.set(i, (float) random.nextGaussian());
    }
    return tensor;
  }

  public Tensor ints(int... values) {
    Tensor tensor = arena.allocate(DType.I32, values.length);
    for (int i = 0; i < values.length; i++) {
      tensor.set(i, values[i]);
    }
    return tensor;
  }

  /// Values of a wide type; one in sixteen is zero, negative zero or the smallest that the type
  /// has.
  public Tensor stored(DType dtype, long... sizes) {
    Tensor tensor = arena.allocate(dtype, sizes);
    for (long i = 0; i < tensor.shape().elements(); i++) {
      float value = (float) random.nextGaussian();
      value =
          switch (random.nextInt(48)) {
            case 0 -> 0f;
            case 1 -> -0f;
            case 2 -> Float.MIN_VALUE;
            default -> value;
          };
      switch (dtype) {
        case F32 -> tensor.set(i, value);
        case BF16 -> tensor.data().set(Elements.SHORT, 2 * i, Elements.toBfloat16(value));
        case F16 -> tensor.data().set(Elements.SHORT, 2 * i, Float.floatToFloat16(value));
        default -> throw new IllegalArgumentException(dtype.name());
      }
    }
    return tensor;
  }

  public Matrix matrix(Form form, int rows, int columns) {
    return switch (form) {
      case F32 -> Matrix.of(stored(DType.F32, rows, columns));
      case F16 -> Matrix.of(stored(DType.F16, rows, columns));
      case BF16 -> Matrix.of(stored(DType.BF16, rows, columns));
      case F32_INPUT_MAJOR -> Matrix.ofTransposed(stored(DType.F32, columns, rows));
      case F16_INPUT_MAJOR -> Matrix.ofTransposed(stored(DType.F16, columns, rows));
      case BF16_INPUT_MAJOR -> Matrix.ofTransposed(stored(DType.BF16, columns, rows));
      case FP8 -> fp8(rows, columns);
      case INT4 -> int4(rows, columns);
    };
  }

  private Matrix fp8(int rows, int columns) {
    Tensor codes = arena.allocate(DType.F8_E4M3, rows, columns);
    for (long i = 0; i < codes.shape().elements(); i++) {
      int code = random.nextInt(256);
      codes.data().set(ValueLayout.JAVA_BYTE, i, (byte) ((code & 0x7f) == 0x7f ? 0 : code));
    }
    return new Matrix(
        rows,
        columns,
        Matrix.Order.OUTPUT_MAJOR,
        codes,
        new Quantization.Fp8PerRow(stored(DType.BF16, rows)));
  }

  private Matrix int4(int rows, int columns) {
    int group = 32;
    Tensor words = arena.allocate(DType.I32, rows, Matrix.wordsPerRow(columns));
    for (long i = 0; i < words.shape().elements(); i++) {
      words.set(i, random.nextInt());
    }
    Tensor scales = stored(DType.BF16, rows, (columns + group - 1) / group);
    return new Matrix(
        rows,
        columns,
        Matrix.Order.OUTPUT_MAJOR,
        words,
        new Quantization.Int4PerGroup(scales, group, false));
  }

  /// A layer of two parts, one of them with a bias.
  public Linear linear(Form form, int rows, int columns) {
    return new Linear(
        java.util.List.of(
            new Linear.Part(matrix(form, rows, columns), stored(DType.BF16, rows)),
            new Linear.Part(matrix(form, rows + 1, columns), Linear.NO_BIAS)));
  }
}
