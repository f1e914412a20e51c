package io.sparkllama4.benchmarks.kernels;

import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.Quantization;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/// The forms in which checkpoints store weights.
public enum StoredForm {
  /// Plain.
  F32,
  /// Plain brain floats, a row of weights together.
  BF16,
  /// Brain floats, what one input contributes together: how Llama 4 stores its experts.
  BF16_INPUT_MAJOR,
  /// 8-bit floats with a scale per row.
  FP8,
  /// 4-bit integers with a scale for 32 of them.
  INT4,
  /// Brain floats that become 8-bit integers in memory.
  TO_INT8,
  /// Brain floats that become 4-bit integers in memory.
  TO_INT4;

  private static final int GROUP = 32;

  /// Random weights `[rows, columns]`, of the size that weights have.
  Linear make(long rows, long columns, Allocator memory, SplittableRandom random) {
    return Linear.of(
        switch (this) {
          case F32 -> Matrix.of(plain(memory.allocate(DType.F32, rows, columns), random));
          case BF16, TO_INT8, TO_INT4 ->
              Matrix.of(plain(memory.allocate(DType.BF16, rows, columns), random));
          case BF16_INPUT_MAJOR ->
              Matrix.ofTransposed(plain(memory.allocate(DType.BF16, columns, rows), random));
          case FP8 -> fp8(rows, columns, memory, random);
          case INT4 -> int4(rows, columns, memory, random);
        });
  }

  /// The form that the matrices take in memory.
  WeightForm inMemory() {
    return switch (this) {
      case TO_INT8 -> WeightForm.INT8;
      case TO_INT4 -> WeightForm.INT4;
      default -> WeightForm.STORED;
    };
  }

  /// Fills a tensor of F32 or BF16 with numbers in -0.1 to 0.1.
  static Tensor plain(Tensor tensor, SplittableRandom random) {
    long elements = tensor.shape().elements();
    for (long i = 0; i < elements; i++) {
      float value = (float) (0.2 * random.nextDouble() - 0.1);
      if (tensor.dtype() == DType.F32) {
        tensor.set(i, value);
      } else {
        tensor.data().set(Elements.SHORT, 2 * i, Elements.toBfloat16(value));
      }
    }
    return tensor;
  }

  private static Matrix fp8(long rows, long columns, Allocator memory, SplittableRandom random) {
    Tensor codes = memory.allocate(DType.F8_E4M3, rows, columns);
    for (long i = 0; i < codes.shape().elements(); i++) {
      int code = random.nextInt(256);
      // All bits set would be no number.
      codes.data().set(ValueLayout.JAVA_BYTE, i, (byte) ((code & 0x7f) == 0x7f ? 0 : code));
    }
    Tensor scales = plain(memory.allocate(DType.BF16, rows), random);
    return new Matrix(
        rows, columns, Matrix.Order.OUTPUT_MAJOR, codes, new Quantization.Fp8PerRow(scales));
  }

  private static Matrix int4(long rows, long columns, Allocator memory, SplittableRandom random) {
    Tensor words = memory.allocate(DType.I32, rows, Matrix.wordsPerRow(columns));
    for (long i = 0; i < words.shape().elements(); i++) {
      words.set(i, random.nextInt());
    }
    Tensor scales = plain(memory.allocate(DType.BF16, rows, columns / GROUP), random);
    return new Matrix(
        rows,
        columns,
        Matrix.Order.OUTPUT_MAJOR,
        words,
        new Quantization.Int4PerGroup(scales, GROUP, false));
  }
}
