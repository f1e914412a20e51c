package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.Placement;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Tensor;
import java.util.function.Consumer;

/// A backend on the emulated device, with what tests bring to it and take from it.
final class TestDevice implements AutoCloseable {
  private final EmulatedDriver emulated;
  private final CudaBackend backend;
  private final Allocator memory;

  TestDevice(EmulatedDriver.Schedule schedule) {
    this(schedule, true);
  }

  /// @param strict whether inputs of products have two terms
  TestDevice(EmulatedDriver.Schedule schedule, boolean strict) {
    emulated = EmulatedDriver.fresh();
    emulated.schedule(schedule, 17);
    emulated.strict(true);
    CudaDevice device = CudaDevice.open(emulated.driver(), 0);
    backend =
        new CudaBackend(
            device,
            new CudaRanks.Settings(KernelArchive.open(), DType.BF16, strict),
            (_, _, _) -> CudaLink.ALONE);
    memory = backend.allocator();
  }

  CudaBackend backend() {
    return backend;
  }

  EmulatedDriver emulated() {
    return emulated;
  }

  Allocator memory() {
    return memory;
  }

  /// A tensor of floats on the device.
  Tensor floats(Tensor host) {
    Tensor placed = backend.place(host, memory);
    return placed.reshape(host.shape().sizes());
  }

  /// A tensor of integers on the device.
  Tensor ints(int... values) {
    Tensor tensor = memory.allocate(DType.I32, values.length);
    backend.write(values, values.length, tensor);
    return tensor;
  }

  Tensor room(long... sizes) {
    return memory.allocate(DType.F32, sizes);
  }

  Linear linear(Linear stored, WeightForm form) {
    int parts = stored.parts().size();
    return backend.place(stored, Placement.replicated(), parts, form, memory);
  }

  /// What stands in a tensor of the device.
  Tensor read(Tensor tensor) {
    return backend.readable(tensor);
  }

  /// Runs kernels in a step.
  void run(Consumer<CudaKernels> body) {
    backend.step(_ -> body.accept((CudaKernels) backend.kernels()));
  }

  @Override
  public void close() {
    memory.close();
    backend.close();
    if (emulated.allocations() != 0) {
      throw new IllegalStateException(emulated.allocations() + " things were left on the device");
    }
  }
}
