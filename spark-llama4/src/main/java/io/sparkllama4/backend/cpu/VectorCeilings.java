package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.Tensor;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/// What the processor can do at best through the Java Vector API.
final class VectorCeilings {
  private static final int ACCUMULATORS = 12;

  private static final VectorSpecies<Long> LONGS = LongVector.SPECIES_PREFERRED;

  /// What memory that is read is filled with: eight bytes of 1.
  private static final long ONES = 0x0101010101010101L;

  private VectorCeilings() {}

  /// Twelve independent chains hide the latency of a fused multiply-add on any core.
  static double multiplyAdds(long rounds) {
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
    for (long n = 0; n < rounds; n++) {
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
    // What is looked at cannot be left out by the compiler.
    if (Float.isNaN(Lanes.sum(sum.add(g).add(h).add(i).add(j).add(k).add(l)))) {
      throw new IllegalStateException("The measured multiply-adds went astray");
    }
    return 2.0 * rounds * ACCUMULATORS * Lanes.COUNT;
  }

  /// Two streams that lie far apart keep more of the memory's lines on their way than one.
  static double read(Tensor memory, long from, long bytes) {
    int width = LONGS.vectorByteSize();
    long half = bytes / 2;
    LongVector a = LongVector.zero(LONGS);
    LongVector b = a;
    LongVector c = a;
    LongVector d = a;
    for (long at = from; at < from + half; at += 2L * width) {
      a = a.add(longs(memory, at));
      b = b.add(longs(memory, at + width));
      c = c.add(longs(memory, at + half));
      d = d.add(longs(memory, at + half + width));
    }
    if (a.add(b).add(c.add(d)).reduceLanes(VectorOperators.ADD) != bytes / Long.BYTES * ONES) {
      throw new IllegalStateException("The measured reads went astray");
    }
    return bytes;
  }

  private static LongVector longs(Tensor memory, long at) {
    return LongVector.fromMemorySegment(LONGS, memory.data(), at, ByteOrder.LITTLE_ENDIAN);
  }
}
