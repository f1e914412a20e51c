package io.sparkllama4.benchmarks.kernels;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.BackendOptions;
import io.sparkllama4.backend.Backends;
import io.sparkllama4.backend.Kernels;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Tensor;
import java.util.SplittableRandom;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/// The CPU backend with memory for what is measured.
@State(Scope.Benchmark)
public class KernelState {
  /// The kernel path.
  @Param("auto")
  public String kernels = "";

  /// Compute threads; 0 for as many as the machine has cores.
  @Param("0")
  public int threads;

  private final SplittableRandom random = new SplittableRandom(4);
  private Backend backend = Backends.open("cpu", new BackendOptions("scalar", 1, true));
  private Allocator memory = backend.allocator();

  /// Opens the backend that is asked for.
  @Setup(Level.Trial)
  public void open() {
    close();
    int cores = Runtime.getRuntime().availableProcessors();
    backend =
        Backends.open("cpu", new BackendOptions(kernels, threads == 0 ? cores : threads, true));
    memory = backend.allocator();
  }

  /// Gives everything back.
  @TearDown(Level.Trial)
  public void close() {
    memory.close();
    backend.close();
  }

  Backend backend() {
    return backend;
  }

  Allocator memory() {
    return memory;
  }

  SplittableRandom random() {
    return random;
  }

  /// Runs one call of the kernels as a step, with the helpers at hand.
  void step(java.util.function.Consumer<Kernels> body) {
    backend.step(_ -> body.accept(backend.kernels()));
  }

  /// Random F32.
  Tensor activations(long... sizes) {
    return StoredForm.plain(memory.allocate(DType.F32, sizes), random);
  }

  /// Room for a result.
  Tensor room(long... sizes) {
    return memory.allocate(DType.F32, sizes);
  }

  /// Integers in the backend's memory.
  Tensor integers(int... values) {
    Tensor tensor = memory.allocate(DType.I32, values.length);
    backend.write(values, values.length, tensor);
    return tensor;
  }
}
