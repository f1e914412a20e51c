package io.sparkllama4.tensor;

/// Lends memory to tensors that live and end together, on the host or on a device.
public interface Allocator extends AutoCloseable {
  /// A tensor of zeros, which lives until this allocator is closed.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with NOT_ENOUGH_MEMORY where there is no room
  Tensor allocate(DType dtype, long... sizes);

  /// The bytes lent.
  long bytes();

  /// Takes all memory back.
  @Override
  void close();
}
