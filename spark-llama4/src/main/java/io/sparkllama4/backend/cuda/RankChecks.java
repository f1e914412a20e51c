package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.check.Finding;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Tensor;
import java.util.function.IntToDoubleFunction;

/// The kernels that a single device has no use for: those of models that devices share, and the one
/// that the checks of the driver run.
final class RankChecks {
  private static final int RANKS = 3;
  private static final int RANK = 1;
  private static final int ELEMENTS = 1001;
  private static final int ROWS = 5;
  private static final int WIDTH = 300;
  private static final int STRIDE = 777;
  private static final int COLUMN = 100;
  private static final int THREADS = 256;

  private RankChecks() {}

  static Finding kernels(CudaBackend backend) {
    try (Allocator memory = backend.allocator()) {
      long wrong = sums(backend, memory) + columns(backend, memory) + addition(backend, memory);
      return Finding.that(wrong == 0, "sums, columns and additions, " + wrong + " are wrong");
    }
  }

  /// A number that has all of its bits.
  private static float value(int index) {
    return (float) Math.sin(index + 1);
  }

  private static Tensor floats(
      CudaBackend backend, Allocator memory, int count, IntToDoubleFunction values) {
    Tensor tensor = memory.allocate(DType.F32, count);
    int[] bits = new int[count];
    for (int i = 0; i < count; i++) {
      bits[i] = Float.floatToRawIntBits((float) values.applyAsDouble(i));
    }
    backend.write(bits, count, new Tensor(DType.I32, tensor.shape(), tensor.data()));
    return tensor;
  }

  /// The sum over ranks, in their order.
  private static long sums(CudaBackend backend, Allocator memory) {
    Tensor others = floats(backend, memory, (RANKS - 1) * ELEMENTS, RankChecks::value);
    Tensor own = floats(backend, memory, ELEMENTS, i -> value(7 * i));
    backend.step(
        _ ->
            backend
                .kernelSet()
                .of("sum_ranks")
                .begin()
                .pointer(others)
                .integer(RANK)
                .integer(RANKS)
                .number(ELEMENTS)
                .pointer(own)
                .run(backend.stream(), Math.ceilDiv(ELEMENTS, THREADS), 1, 1, THREADS, 0));
    Tensor found = backend.readable(own);
    long wrong = 0;
    for (int i = 0; i < ELEMENTS; i++) {
      float sum = value(i) + value(7 * i) + value(ELEMENTS + i);
      wrong += found.at(i) == sum ? 0 : 1;
    }
    return wrong;
  }

  /// Rows as columns of wider ones.
  private static long columns(CudaBackend backend, Allocator memory) {
    Tensor part = floats(backend, memory, ROWS * WIDTH, RankChecks::value);
    Tensor whole = floats(backend, memory, ROWS * STRIDE, _ -> -9);
    backend.step(
        _ ->
            backend
                .kernelSet()
                .of("copy_columns")
                .begin()
                .pointer(part)
                .integer(WIDTH)
                .pointer(whole.data().address() + (long) Float.BYTES * COLUMN)
                .number(STRIDE)
                .run(backend.stream(), ROWS, 1, 1, THREADS, 0));
    Tensor found = backend.readable(whole);
    long wrong = 0;
    for (int i = 0; i < ROWS * STRIDE; i++) {
      int column = i % STRIDE - COLUMN;
      boolean isCopied = column >= 0 && column < WIDTH;
      float expected = isCopied ? value(i / STRIDE * WIDTH + column) : -9;
      wrong += found.at(i) == expected ? 0 : 1;
    }
    return wrong;
  }

  private static long addition(CudaBackend backend, Allocator memory) {
    Tensor addend = floats(backend, memory, ELEMENTS, RankChecks::value);
    Tensor target = floats(backend, memory, ELEMENTS, i -> value(3 * i));
    backend.step(
        _ ->
            backend
                .kernelSet()
                .of("add_in_place")
                .begin()
                .pointer(addend)
                .pointer(target)
                .number(ELEMENTS)
                .run(backend.stream(), 2, 1, 1, THREADS, 0));
    Tensor found = backend.readable(target);
    long wrong = 0;
    for (int i = 0; i < ELEMENTS; i++) {
      wrong += found.at(i) == value(3 * i) + value(i) ? 0 : 1;
    }
    return wrong;
  }
}
