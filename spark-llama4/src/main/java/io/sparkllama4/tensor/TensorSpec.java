package io.sparkllama4.tensor;

/// What a tensor will be, before there is memory for it.
///
/// @param dtype the type of its elements
/// @param shape its sizes
public record TensorSpec(DType dtype, Shape shape) {
  /// A tensor of these sizes.
  public static TensorSpec of(DType dtype, long... sizes) {
    return new TensorSpec(dtype, Shape.of(sizes));
  }

  /// The memory of its elements.
  public long bytes() {
    return Math.multiplyExact(shape.elements(), dtype.bytes());
  }
}
