package io.sparkllama4.backend.cpu;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/// Vectors of the machine's preferred width: loads of stored weights, and sums in a fixed order.
///
/// Nothing here may give other bits in the interpreter than in compiled code, since a row's answer
/// must not depend on how warm the JVM is. That rules out `reduceLanes` on floats, whose order is
/// left open, and the transcendental lane operations, which compiled code takes from another
/// library.
final class Lanes {
  /// The width in bits can be forced, so that one machine tests them all.
  static final VectorSpecies<Float> FLOATS =
      VectorSpecies.of(
          float.class,
          VectorShape.forBitSize(
              Integer.getInteger(
                  "sparkllama4.vectorBits", FloatVector.SPECIES_PREFERRED.vectorBitSize())));

  static final VectorSpecies<Integer> INTS = FLOATS.withLanes(int.class);

  /// Half as wide: one 16-bit element for each float.
  static final VectorSpecies<Short> SHORTS =
      VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));

  /// Floats in a vector, a power of two.
  static final int COUNT = FLOATS.length();

  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

  private static final VectorShuffle<Float>[] HALVES = halves();

  private Lanes() {}

  @SuppressWarnings({"unchecked", "rawtypes"}) // An array of generic shuffles.
  private static VectorShuffle<Float>[] halves() {
    int steps = Integer.numberOfTrailingZeros(COUNT);
    VectorShuffle<Float>[] shuffles = new VectorShuffle[steps];
    for (int i = 0; i < steps; i++) {
      int distance = COUNT >> (i + 1);
      shuffles[i] = VectorShuffle.fromOp(FLOATS, lane -> lane ^ distance);
    }
    return shuffles;
  }

  /// `count` rounded up to whole vectors.
  static int padded(long count) {
    return Math.toIntExact((count + COUNT - 1) / COUNT * COUNT);
  }

  /// Floats of native memory at byte `offset`.
  static FloatVector floats(MemorySegment data, long offset) {
    return FloatVector.fromMemorySegment(FLOATS, data, offset, ORDER);
  }

  /// The first `count` floats at byte `offset`, the other lanes 0.
  static FloatVector floats(MemorySegment data, long offset, int count) {
    return FloatVector.fromMemorySegment(FLOATS, data, offset, ORDER, mask(count));
  }

  /// Writes a vector to native memory.
  static void store(FloatVector vector, MemorySegment data, long offset) {
    vector.intoMemorySegment(data, offset, ORDER);
  }

  /// Writes the first `count` lanes to native memory.
  static void store(FloatVector vector, MemorySegment data, long offset, int count) {
    vector.intoMemorySegment(data, offset, ORDER, mask(count));
  }

  static VectorMask<Float> mask(int count) {
    return FLOATS.indexInRange(0, count);
  }

  /// Brain floats as floats: their bits are the upper half of a float's.
  static FloatVector bfloat16(MemorySegment data, long offset) {
    return widen(ShortVector.fromMemorySegment(SHORTS, data, offset, ORDER));
  }

  /// 32-bit words of native memory at byte `offset`.
  static IntVector ints(MemorySegment data, long offset) {
    return IntVector.fromMemorySegment(INTS, data, offset, ORDER);
  }

  /// The brain floats in the lower halves of words.
  static FloatVector lowerBfloat16(IntVector words) {
    return words.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
  }

  /// The brain floats in the upper halves of words.
  static FloatVector upperBfloat16(IntVector words) {
    return words.lanewise(VectorOperators.AND, 0xffff0000).reinterpretAsFloats();
  }

  private static FloatVector widen(ShortVector bits) {
    IntVector wide = (IntVector) bits.convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0);
    return wide.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
  }

  /// The sum of all lanes, halves first: lane i and lane i + COUNT/2, and so on.
  static float sum(FloatVector vector) {
    FloatVector sum = vector;
    for (VectorShuffle<Float> half : HALVES) {
      sum = sum.add(sum.rearrange(half));
    }
    return sum.lane(0);
  }
}
