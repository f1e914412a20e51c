package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.Ceilings;
import io.sparkllama4.backend.Kernels;
import io.sparkllama4.backend.Routing;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// The processor and its memory. Weights are read where the checkpoint's files are mapped.
public final class CpuBackend implements Backend {
  private final String kernelPath;
  private final Kernels kernels;
  private final CpuPool pool;
  private final AtomicLong allocated = new AtomicLong();
  private @Nullable CpuCeilings ceilings;

  /// A backend of these kernels, which may use the threads of `pool`.
  public CpuBackend(String kernelPath, Kernels kernels, CpuPool pool) {
    this.kernelPath = kernelPath;
    this.kernels = kernels;
    this.pool = pool;
  }

  /// The plain kernels on the calling thread: what every other backend is compared with.
  public static CpuBackend scalar() {
    return new CpuBackend("scalar", new ScalarKernels(), new CpuPool(1));
  }

  @Override
  public String name() {
    return "cpu";
  }

  @Override
  public String kernelPath() {
    return kernelPath;
  }

  @Override
  public int threads() {
    return pool.threads();
  }

  /// Every kernel of the CPU takes its sums in an order that the weights' shapes decide.
  @Override
  public boolean isStrict() {
    return true;
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }

  @Override
  public long freeBytes() {
    return HostMemory.availableBytes();
  }

  @Override
  public long allocatedBytes() {
    return allocated.get();
  }

  @Override
  public Allocator allocator() {
    NativeArena arena = new NativeArena();
    return new Allocator() {
      @Override
      public Tensor allocate(DType dtype, long... sizes) {
        long before = arena.bytes();
        Tensor tensor = arena.allocate(dtype, sizes);
        allocated.addAndGet(arena.bytes() - before);
        return tensor;
      }

      @Override
      public long bytes() {
        return arena.bytes();
      }

      @Override
      public void close() {
        long bytes = arena.bytes();
        arena.close();
        allocated.addAndGet(-bytes);
      }
    };
  }

  @Override
  public Linear place(Linear stored) {
    return stored;
  }

  @Override
  public Tensor place(Tensor stored) {
    return stored;
  }

  @Override
  public Routing allocateRouting(int tokens, int experts, int chosen, Allocator memory) {
    return new CpuRouting(tokens, experts, chosen);
  }

  @Override
  public void write(int[] values, int count, Tensor target) {
    for (int i = 0; i < count; i++) {
      target.set(i, values[i]);
    }
  }

  @Override
  public void step(Runnable body) {
    pool.during(body);
  }

  @Override
  public Ceilings measureCeilings() {
    CpuCeilings open = ceilings;
    if (open == null) {
      open = new CpuCeilings(pool);
      ceilings = open;
    }
    return open.measure();
  }

  @Override
  public void close() {
    if (ceilings != null) {
      ceilings.close();
    }
    pool.close();
  }
}
