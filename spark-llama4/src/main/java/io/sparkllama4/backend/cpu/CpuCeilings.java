package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.Ceilings;
import io.sparkllama4.backend.cpu.ffi.HugePages;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import java.util.Arrays;

/// Measures what the processor can do at best with the threads of a pool, by the instructions of a
/// kernel path.
final class CpuCeilings implements AutoCloseable {
  /// Several times any last-level cache that a few cores share.
  private static final long READ_BYTES = 512L << 20;

  private static final int ROUNDS = 8_000_000;
  private static final int PASSES = 3;

  private final CpuPool pool;
  private final PanelMath math;
  private final NativeArena arena = new NativeArena(HugePages::allocate);
  private final Tensor memory = arena.allocate(DType.U8, READ_BYTES);

  /// What each thread did.
  private final double[] done;

  CpuCeilings(CpuPool pool, PanelMath math) {
    this.pool = pool;
    this.math = math;
    this.done = new double[pool.threads()];
    memory.data().fill((byte) 1); // Pages that were never written would all be one page of zeros.
    for (int i = 0; i < 4; i++) {
      measure(); // compiles
    }
  }

  Ceilings measure() {
    return new Ceilings(
        perSecond(PanelMath.Ceiling.FP32),
        perSecond(PanelMath.Ceiling.BF16),
        perSecond(PanelMath.Ceiling.INT8),
        perSecond(PanelMath.Ceiling.INT4),
        perSecond(PanelMath.Ceiling.MEMORY));
  }

  /// The median of a few passes: the compiler may throw code away after other kernels have run, and
  /// the first pass then runs without it. NaN where the path cannot do it.
  private double perSecond(PanelMath.Ceiling what) {
    double[] passes = new double[PASSES];
    for (int i = 0; i < PASSES; i++) {
      passes[i] = pass(what);
    }
    Arrays.sort(passes);
    return passes[PASSES / 2];
  }

  private double pass(PanelMath.Ceiling what) {
    long part = READ_BYTES / pool.threads() / 1024 * 1024;
    long start = System.nanoTime();
    pool.during(
        () ->
            pool.run(
                pool.threads(),
                (task, worker) ->
                    done[task] = math.ceiling(what, ROUNDS, memory, task * part, part)));
    double seconds = (System.nanoTime() - start) * 1e-9;
    double sum = Arrays.stream(done).sum();
    return sum < 0 ? Double.NaN : sum / seconds;
  }

  @Override
  public void close() {
    arena.close();
  }
}
