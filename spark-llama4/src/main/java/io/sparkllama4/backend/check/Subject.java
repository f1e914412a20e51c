package io.sparkllama4.backend.check;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.Kernels;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Tensor;
import java.util.function.Consumer;

/// A backend that computes for a check, with memory for the time of it.
final class Subject implements AutoCloseable {
  private final Backend backend;
  private final boolean isPlain;
  private final Allocator memory;

  /// @param isPlain whether its kernels are the plain loops that others are compared with
  Subject(Backend backend, boolean isPlain) {
    this.backend = backend;
    this.isPlain = isPlain;
    memory = backend.allocator();
  }

  Backend backend() {
    return backend;
  }

  boolean isPlain() {
    return isPlain;
  }

  Allocator memory() {
    return memory;
  }

  /// A copy of floats of the host, which kernels may change.
  Tensor floats(Tensor host) {
    Tensor placed = memory.allocate(DType.F32, host.shape().sizes());
    int count = Math.toIntExact(host.shape().elements());
    int[] bits = new int[count];
    for (int i = 0; i < count; i++) {
      bits[i] = Float.floatToRawIntBits(host.at(i));
    }
    backend.write(bits, count, new Tensor(DType.I32, placed.shape(), placed.data()));
    return placed;
  }

  /// Integers where kernels read them.
  Tensor ints(int... values) {
    Tensor tensor = memory.allocate(DType.I32, values.length);
    backend.write(values, values.length, tensor);
    return tensor;
  }

  /// Zeros.
  Tensor room(long... sizes) {
    return memory.allocate(DType.F32, sizes);
  }

  /// What stands in a tensor.
  Tensor read(Tensor tensor) {
    return backend.readable(tensor);
  }

  /// Runs kernels in a step.
  void run(Consumer<Kernels> body) {
    backend.step(_ -> body.accept(backend.kernels()));
  }

  @Override
  public void close() {
    memory.close();
  }
}
