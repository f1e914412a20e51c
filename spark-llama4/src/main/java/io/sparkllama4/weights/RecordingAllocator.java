package io.sparkllama4.weights;

import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// Remembers what is allocated, in its order.
public final class RecordingAllocator implements Allocator {
  private final Allocator memory;
  private final List<Tensor> tensors = new ArrayList<>();

  /// @param memory where tensors come from
  public RecordingAllocator(Allocator memory) {
    this.memory = memory;
  }

  @Override
  public Tensor allocate(DType dtype, long... sizes) {
    Tensor tensor = memory.allocate(dtype, sizes);
    tensors.add(tensor);
    return tensor;
  }

  /// All tensors so far.
  public List<Tensor> tensors() {
    return List.copyOf(tensors);
  }

  @Override
  public long bytes() {
    return memory.bytes();
  }

  @Override
  public void close() {
    memory.close();
  }
}
