package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.cuda.ffi.DeviceSegments;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Shape;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/// Lends memory of a device to tensors, whose data is an address alone, and pinned memory of the
/// host. One owner, any thread.
final class CudaAllocator implements Allocator {
  private final CudaStream stream;
  private final List<DeviceMemory> owned = new ArrayList<>();
  private final List<PinnedMemory> pinned = new ArrayList<>();
  private final AtomicLong bytes = new AtomicLong();

  /// @param stream on which memory is filled with zeros
  CudaAllocator(CudaStream stream) {
    this.stream = stream;
  }

  @Override
  public Tensor allocate(DType dtype, long... sizes) {
    Shape shape = Shape.of(sizes);
    long size = Math.multiplyExact(shape.elements(), dtype.bytes());
    if (size == 0) {
      return new Tensor(dtype, shape, DeviceSegments.device(0, 0));
    }
    DeviceMemory memory = DeviceMemory.allocate(stream.device(), size);
    owned.add(memory);
    bytes.addAndGet(size);
    stream.device().run(() -> stream.fill(memory.address(), (byte) 0, size));
    return new Tensor(dtype, shape, memory.segment());
  }

  /// Pinned memory of the host, which kernels read as their own.
  PinnedMemory pin(long size) {
    PinnedMemory memory = PinnedMemory.allocate(stream.device(), size);
    pinned.add(memory);
    return memory;
  }

  @Override
  public long bytes() {
    return bytes.get();
  }

  @Override
  public void close() {
    Failures failures = new Failures();
    owned.forEach(memory -> failures.attempt(memory::close));
    pinned.forEach(memory -> failures.attempt(memory::close));
    owned.clear();
    pinned.clear();
    bytes.set(0);
    failures.rethrow();
  }
}
