package io.sparkllama4.tensor;

import java.util.List;

/// A linear layer: matrices that share their input, one below the other, and a bias for each.
///
/// Query, key and value, or gate and up, are one layer of several parts, so that a kernel may take
/// them in one pass however the checkpoint stores them.
///
/// @param parts at least one, all with the same number of columns
public record Linear(List<Part> parts) {
  /// Outputs of one matrix.
  ///
  /// @param weight the weights `[rows, columns]`
  /// @param bias one number per output, added to it; empty, `[0]`, where there is none
  public record Part(Matrix weight, Tensor bias) {
    /// True where there is something to add.
    public boolean hasBias() {
      return bias.size(0) > 0;
    }
  }

  /// @throws IllegalArgumentException where the parts do not share their input
  public Linear {
    parts = List.copyOf(parts);
    for (Part part : parts) {
      if (part.weight().columns() != parts.getFirst().weight().columns()) {
        throw new IllegalArgumentException("The parts of a linear layer differ in their inputs");
      }
    }
  }

  /// A layer of matrices without bias.
  public static Linear of(Matrix... weights) {
    return new Linear(List.of(weights).stream().map(w -> new Part(w, NO_BIAS)).toList());
  }

  /// The absence of a bias.
  public static final Tensor NO_BIAS =
      new Tensor(DType.F32, Shape.of(0), java.lang.foreign.MemorySegment.NULL);

  /// The number of inputs.
  public long inputs() {
    return parts.getFirst().weight().columns();
  }

  /// The number of outputs of all parts.
  public long outputs() {
    return parts.stream().mapToLong(part -> part.weight().rows()).sum();
  }

  /// The memory of weights and biases.
  public long bytes() {
    return parts.stream().mapToLong(p -> p.weight().bytes() + p.bias().data().byteSize()).sum();
  }
}
