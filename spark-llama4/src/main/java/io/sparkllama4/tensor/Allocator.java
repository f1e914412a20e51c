package io.sparkllama4.tensor;

/// Lends memory to tensors that live and end together, on the host or on a device.
public interface Allocator extends AutoCloseable {
  /// A tensor of zeros, which lives until this allocator is closed.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with NOT_ENOUGH_MEMORY where there is no room
  Tensor allocate(DType dtype, long... sizes);

  /// A tensor as it is described.
  default Tensor allocate(TensorSpec spec) {
    return allocate(spec.dtype(), spec.shape().sizes());
  }

  /// Whether tensors come with the values that belong into them, because they were written before
  /// and are handed out in the order in which they were allocated then: nobody fills them again.
  default boolean isFilled() {
    return false;
  }

  /// The bytes lent.
  long bytes();

  /// Takes all memory back.
  @Override
  void close();
}
