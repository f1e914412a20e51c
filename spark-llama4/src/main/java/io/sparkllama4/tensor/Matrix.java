package io.sparkllama4.tensor;

/// A weight matrix `[rows, columns]` = `[outputs, inputs]`, in place, in the width and the order in
/// which the checkpoint stores it.
///
/// @param rows the number of outputs
/// @param columns the number of inputs
/// @param order in which the values follow each other
/// @param values the stored values; packed words for 4-bit weights
/// @param quantization how values become weights
public record Matrix(
    long rows, long columns, Order order, Tensor values, Quantization quantization) {

  /// The order of the values in memory.
  public enum Order {
    /// `[outputs, inputs]`: a row of weights, which makes one output, lies together.
    OUTPUT_MAJOR,
    /// `[inputs, outputs]`: what one input contributes to all outputs lies together. Llama 4's
    /// fused experts are stored this way.
    INPUT_MAJOR,
    /// 16 outputs side by side: see [Panels]. Fast kernels of processors read this.
    PANELS,
    /// What a tensor core multiplies at once: see [Fragments]. Kernels of GPUs read this.
    FRAGMENTS
  }

  /// @throws IllegalArgumentException where the values do not fit the sizes
  public Matrix {
    long expected =
        switch (order) {
          case PANELS ->
              Panels.count(rows) * Panels.elements(values.dtype(), columns, group(quantization));
          case FRAGMENTS -> Fragments.elements(values.dtype(), rows, columns);
          case OUTPUT_MAJOR, INPUT_MAJOR ->
              quantization instanceof Quantization.Int4PerGroup
                  ? rows * wordsPerRow(columns)
                  : rows * columns;
        };
    if (values.shape().elements() != expected) {
      throw new IllegalArgumentException(
          "A matrix [" + rows + ", " + columns + "] cannot have the values " + values.shape());
    }
    if (order == Order.INPUT_MAJOR && !(quantization instanceof Quantization.None)) {
      throw new IllegalArgumentException("Quantised weights are stored [outputs, inputs]");
    }
  }

  private static int group(Quantization quantization) {
    return quantization instanceof Quantization.Int4PerGroup(_, int group, _) ? group : 0;
  }

  /// Plain weights `[rows, columns]`.
  public static Matrix of(Tensor values) {
    return new Matrix(
        values.size(0), values.size(1), Order.OUTPUT_MAJOR, values, Quantization.NONE);
  }

  /// Plain weights stored as `[columns, rows]`.
  public static Matrix ofTransposed(Tensor values) {
    return new Matrix(values.size(1), values.size(0), Order.INPUT_MAJOR, values, Quantization.NONE);
  }

  /// 32-bit words that hold a row of 4-bit weights.
  public static long wordsPerRow(long columns) {
    return (columns + 7) / 8;
  }

  /// The memory of values and scales.
  public long bytes() {
    return values.data().byteSize() + quantization.bytes();
  }

  /// The weight of input `column` in output `row`: the definition that every faster reader is
  /// tested against.
  public float weight(long row, long column) {
    if (order == Order.PANELS) {
      return Panels.weight(this, row, column);
    }
    if (order == Order.FRAGMENTS) {
      return Fragments.weight(this, row, column);
    }
    return switch (quantization) {
      case Quantization.None _ ->
          values.decode(order == Order.OUTPUT_MAJOR ? row * columns + column : column * rows + row);
      case Quantization.Fp8PerRow(Tensor scales) ->
          values.decode(row * columns + column) * scales.decode(row);
      case Quantization.Int4PerGroup(Tensor scales, int group, _) -> {
        int word = values.intAt(row * wordsPerRow(columns) + column / 8);
        int nibble = (word >>> (4 * (int) (column % 8))) & 0xf;
        long groups = (columns + group - 1) / group;
        yield (nibble - 8) * scales.decode(row * groups + column / group);
      }
      case Quantization.Int8PerRow _ ->
          throw new IllegalStateException("No checkpoint stores 8-bit integers");
    };
  }
}
