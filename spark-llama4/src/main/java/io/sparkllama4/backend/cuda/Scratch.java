package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.cuda.ffi.DeviceSegments;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Shape;
import io.sparkllama4.tensor.Tensor;
import java.util.EnumMap;
import java.util.Map;

/// Memory of kernels that nobody else sees, by use. It grows to what the largest step so far has
/// needed, so that steps like those before take nothing.
final class Scratch implements AutoCloseable {
  /// What memory is used for; uses that overlap in time have memory of their own.
  enum Use {
    /// Inputs of a product in bf16.
    PACKED_INPUT,
    /// The activated product of a gate and an up-projection in bf16.
    PACKED_ACTIVATED,
    /// Sums of splits of a product's inputs.
    PRODUCT_SPLITS,
    /// What attention over splits of the context leaves.
    ATTENTION_SPLITS,
    /// Outputs of experts, those of a shared one first.
    EXPERT_OUTPUT,
    /// What other ranks have of a sum.
    RANK_SUMS,
    /// Rows on their way to the front of their own buffer.
    SELECTED_ROWS,
    /// What sampling is asked for.
    SAMPLE_REQUEST,
    /// What it answers.
    SAMPLE_RESULT,
    /// What sampling keeps between its passes.
    SAMPLE_WORK
  }

  private final CudaDevice device;
  private final Map<Use, DeviceMemory> memories = new EnumMap<>(Use.class);
  private long moves;

  Scratch(CudaDevice device) {
    this.device = device;
  }

  /// Memory of at least `bytes` bytes; what stood in it is lost where it has to grow.
  long address(Use use, long bytes) {
    DeviceMemory known = memories.get(use);
    if (known != null && known.bytes() >= bytes) {
      return known.address();
    }
    if (known != null) {
      memories.remove(use);
      // Whether or not there is other memory: what was recorded must not use this any more.
      moves++;
      known.close();
    }
    DeviceMemory made = DeviceMemory.allocate(device, Math.max(256, bytes));
    memories.put(use, made);
    return made.address();
  }

  /// Room for rows of brain floats.
  ///
  /// @param terms of each, 1 or 2
  PackedRows rows(Use use, int rows, long stride, int terms) {
    long each = stride * rows;
    long address = address(use, Short.BYTES * each * terms);
    return new PackedRows(address, stride, terms == 1 ? 0 : each);
  }

  /// The same as a tensor.
  Tensor tensor(Use use, DType dtype, long... sizes) {
    Shape shape = Shape.of(sizes);
    long bytes = shape.elements() * dtype.bytes();
    return new Tensor(dtype, shape, DeviceSegments.device(address(use, bytes), bytes));
  }

  /// How often memory has been given up: what was recorded before may use some that is gone.
  long moves() {
    return moves;
  }

  /// The memory taken so far.
  long bytes() {
    return memories.values().stream().mapToLong(DeviceMemory::bytes).sum();
  }

  @Override
  public void close() {
    Failures failures = new Failures();
    memories.values().forEach(memory -> failures.attempt(memory::close));
    memories.clear();
    failures.rethrow();
  }
}
