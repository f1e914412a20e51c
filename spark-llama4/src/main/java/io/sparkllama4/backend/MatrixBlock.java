package io.sparkllama4.backend;

import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.Quantization;

/// Some rows and columns of a stored matrix.
///
/// @param source the matrix
/// @param rows some of its outputs
/// @param columns some of its inputs
public record MatrixBlock(Matrix source, Span rows, Span columns) {
  /// Inputs to a stored word of 4-bit weights.
  private static final int WORD = 8;

  /// All columns of some rows.
  public static MatrixBlock ofRows(Matrix source, long first, long end) {
    return new MatrixBlock(
        source,
        new Span(Math.toIntExact(first), Math.toIntExact(end)),
        Span.all(Math.toIntExact(source.columns())));
  }

  /// Inputs that share a scale when stored 4-bit weights are copied as they are: those of a stored
  /// group, or so many of them that the block begins and ends with a group. 0 where a word would
  /// hold inputs of two.
  public int storedGroup() {
    var stored = (Quantization.Int4PerGroup) source.quantization();
    int group = divisor(stored.group(), columns.first());
    if (columns.end() < source.columns()) {
      group = divisor(group, columns.end());
    }
    return group % WORD == 0 ? group : 0;
  }

  /// The greatest common divisor of a positive number and another.
  private static int divisor(int a, int b) {
    return b == 0 ? a : divisor(b, a % b);
  }
}
