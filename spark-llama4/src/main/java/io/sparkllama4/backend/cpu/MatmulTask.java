package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// A piece of a matrix product that one thread computes: some outputs of one part of a layer, for a
/// run of tokens.
///
/// @param input `[T, A]`
/// @param firstToken first of the run
/// @param endToken behind the last
/// @param part the matrix and its bias
/// @param firstRow first output, counted in the part
/// @param endRow behind the last
/// @param output `[T, B]`
/// @param firstColumn where the part's outputs begin in a row of `output`
record MatmulTask(
    Tensor input,
    int firstToken,
    int endToken,
    Linear.Part part,
    long firstRow,
    long endRow,
    Tensor output,
    long firstColumn) {

  /// This task, for outputs `first` up to `end`.
  MatmulTask rows(long first, long end) {
    return new MatmulTask(input, firstToken, endToken, part, first, end, output, firstColumn);
  }

  int tokens() {
    return endToken - firstToken;
  }

  int rows() {
    return Math.toIntExact(endRow - firstRow);
  }

  int inputs() {
    return Math.toIntExact(part.weight().columns());
  }

  /// Sets outputs of `token` from `row` on to `count` sums plus their biases.
  ///
  /// @param sums the sums, changed where there is a bias
  void put(int token, long row, float[] sums, int offset, int count) {
    if (part.hasBias()) {
      for (int i = 0; i < count; i++) {
        sums[offset + i] += part.bias().decode(row + i);
      }
    }
    long at = 4 * (token * output.rowElements() + firstColumn + row);
    MemorySegment.copy(sums, offset, output.data(), ValueLayout.JAVA_FLOAT, at, count);
  }

  /// Copies a token's inputs in pieces of a vector, `stride` floats apart, zeros behind the last.
  void copyInput(int token, float[] target, int offset, int stride) {
    int inputs = inputs();
    MemorySegment data = input.data();
    long from = 4L * token * inputs;
    int whole = inputs - inputs % Lanes.COUNT;
    int at = offset;
    for (int i = 0; i < whole; i += Lanes.COUNT, at += stride) {
      Lanes.floats(data, from + 4L * i).intoArray(target, at);
    }
    if (whole < inputs) {
      Lanes.floats(data, from + 4L * whole, inputs - whole).intoArray(target, at);
    }
  }
}
