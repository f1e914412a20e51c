package io.sparkllama4.backend.check;

import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Quantization;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;

/// Tensors and matrices of random values on the host: the same ones for the same seed.
final class RandomValues {
  /// How a checkpoint stores a matrix.
  enum Stored {
    F32,
    F16,
    BF16,
    BF16_INPUT_MAJOR,
    FP8,
    INT4
  }

  /// Weights that share a scale.
  private static final int GROUP = 32;

  private final Random random;
  private final NativeArena arena;

  RandomValues(long seed, NativeArena arena) {
    random = new Random(seed);
    this.arena = arena;
  }

  NativeArena arena() {
    return arena;
  }

  Random random() {
    return random;
  }

  Tensor floats(long... sizes) {
    return wide(DType.F32, sizes);
  }

  /// Values of a wide type; some are zero or the smallest that the type has.
  Tensor wide(DType dtype, long... sizes) {
    Tensor tensor = arena.allocate(dtype, sizes);
    for (long i = 0; i < tensor.shape().elements(); i++) {
      float normal = (float) random.nextGaussian();
      float value =
          switch (random.nextInt(48)) {
            case 0 -> 0f;
            case 1 -> -0f;
            case 2 -> Float.MIN_VALUE;
            default -> normal;
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

  Matrix matrix(Stored stored, int rows, int columns) {
    return switch (stored) {
      case F32 -> Matrix.of(wide(DType.F32, rows, columns));
      case F16 -> Matrix.of(wide(DType.F16, rows, columns));
      case BF16 -> Matrix.of(wide(DType.BF16, rows, columns));
      case BF16_INPUT_MAJOR -> Matrix.ofTransposed(wide(DType.BF16, columns, rows));
      case FP8 -> fp8(rows, columns);
      case INT4 -> int4(rows, columns);
    };
  }

  private Matrix fp8(int rows, int columns) {
    Tensor codes = arena.allocate(DType.F8_E4M3, rows, columns);
    for (long i = 0; i < codes.shape().elements(); i++) {
      int code = random.nextInt(256);
      // Two codes are no numbers.
      codes.data().set(ValueLayout.JAVA_BYTE, i, (byte) ((code & 0x7f) == 0x7f ? 0 : code));
    }
    Quantization scaled = new Quantization.Fp8PerRow(wide(DType.BF16, rows));
    return new Matrix(rows, columns, Matrix.Order.OUTPUT_MAJOR, codes, scaled);
  }

  private Matrix int4(int rows, int columns) {
    Tensor words = arena.allocate(DType.I32, rows, Matrix.wordsPerRow(columns));
    for (long i = 0; i < words.shape().elements(); i++) {
      words.set(i, random.nextInt());
    }
    Tensor scales = wide(DType.BF16, rows, Math.ceilDiv(columns, GROUP));
    Quantization scaled = new Quantization.Int4PerGroup(scales, GROUP, false);
    return new Matrix(rows, columns, Matrix.Order.OUTPUT_MAJOR, words, scaled);
  }

  /// A layer of two parts, one of them with a bias.
  Linear linear(Stored stored, int rows, int columns) {
    return new Linear(
        List.of(
            new Linear.Part(matrix(stored, rows, columns), wide(DType.BF16, rows)),
            new Linear.Part(matrix(stored, rows + 1, columns), Linear.NO_BIAS)));
  }
}
