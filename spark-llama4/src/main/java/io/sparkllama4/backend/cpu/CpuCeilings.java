package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.Ceilings;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/// Measures what the processor can do at best with the threads of a pool.
final class CpuCeilings implements AutoCloseable {
  /// Several times any last-level cache that a few cores share.
  private static final long READ_BYTES = 512L << 20;

  private static final int MULTIPLY_ADDS = 20_000_000;
  private static final int ACCUMULATORS = 12;
  private static final int PASSES = 3;

  private static final VectorSpecies<Long> LONGS = LongVector.SPECIES_PREFERRED;

  private final CpuPool pool;
  private final NativeArena arena = new NativeArena();
  private final Tensor memory = arena.allocate(DType.U8, READ_BYTES);

  /// One result per thread, so that nothing that is measured can be left out by the compiler.
  private final double[] sink;

  CpuCeilings(CpuPool pool) {
    this.pool = pool;
    this.sink = new double[pool.threads()];
    for (int i = 0; i < 4; i++) {
      measure(); // compiles
    }
  }

  /// The median of a few passes: the compiler may throw code away after other kernels have run, and
  /// the first pass then runs without it.
  Ceilings measure() {
    double[] flops = new double[PASSES];
    double[] bytes = new double[PASSES];
    for (int i = 0; i < PASSES; i++) {
      Ceilings pass = pass();
      flops[i] = pass.fp32Flops();
      bytes[i] = pass.readBytesPerSecond();
    }
    Arrays.sort(flops);
    Arrays.sort(bytes);
    return new Ceilings(flops[PASSES / 2], bytes[PASSES / 2]);
  }

  private Ceilings pass() {
    double flops = 2.0 * MULTIPLY_ADDS * ACCUMULATORS * Lanes.COUNT * pool.threads();
    double compute = seconds((task, worker) -> sink[worker] += multiplyAdd());
    long part = READ_BYTES / pool.threads() / 1024 * 1024;
    double read = seconds((task, worker) -> sink[worker] += read(task * part, part));
    if (Double.isNaN(Arrays.stream(sink).sum())) {
      throw new IllegalStateException("The measured loops went astray");
    }
    return new Ceilings(flops / compute, part * pool.threads() / read);
  }

  private double seconds(CpuPool.Body body) {
    long start = System.nanoTime();
    pool.during(() -> pool.run(pool.threads(), body));
    return (System.nanoTime() - start) * 1e-9;
  }

  /// Twelve independent chains hide the latency of a fused multiply-add on any core.
  private static float multiplyAdd() {
    FloatVector factor = FloatVector.broadcast(Lanes.FLOATS, 0.999f);
    FloatVector addend = FloatVector.broadcast(Lanes.FLOATS, 0.001f);
    FloatVector a = addend;
    FloatVector b = addend;
    FloatVector c = addend;
    FloatVector d = addend;
    FloatVector e = addend;
    FloatVector f = addend;
    FloatVector g = addend;
    FloatVector h = addend;
    FloatVector i = addend;
    FloatVector j = addend;
    FloatVector k = addend;
    FloatVector l = addend;
    for (int n = 0; n < MULTIPLY_ADDS; n++) {
      a = a.fma(factor, addend);
      b = b.fma(factor, addend);
      c = c.fma(factor, addend);
      d = d.fma(factor, addend);
      e = e.fma(factor, addend);
      f = f.fma(factor, addend);
      g = g.fma(factor, addend);
      h = h.fma(factor, addend);
      i = i.fma(factor, addend);
      j = j.fma(factor, addend);
      k = k.fma(factor, addend);
      l = l.fma(factor, addend);
    }
    FloatVector sum = a.add(b).add(c).add(d).add(e).add(f);
    return Lanes.sum(sum.add(g).add(h).add(i).add(j).add(k).add(l));
  }

  /// Two streams that lie far apart keep more of the memory's lines on their way than one.
  private long read(long from, long bytes) {
    int width = LONGS.vectorByteSize();
    long half = bytes / 2;
    LongVector a = LongVector.zero(LONGS);
    LongVector b = a;
    LongVector c = a;
    LongVector d = a;
    for (long at = from; at < from + half; at += 2L * width) {
      a = a.add(longs(at));
      b = b.add(longs(at + width));
      c = c.add(longs(at + half));
      d = d.add(longs(at + half + width));
    }
    return a.add(b).add(c.add(d)).reduceLanes(VectorOperators.ADD);
  }

  private LongVector longs(long at) {
    return LongVector.fromMemorySegment(LONGS, memory.data(), at, ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void close() {
    arena.close();
  }
}
