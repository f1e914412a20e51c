package io.sparkllama4.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/// Functions of vectors from additions, multiplications and bit patterns alone, so that interpreted
/// and compiled code give the same bits.
final class VectorMath {
  private static final float LOG2_E = (float) (1 / Math.log(2));

  /// ln 2 in two parts: the first has so few bits that its multiples by exponents are exact.
  private static final float LN2_HIGH = 0x1.63p-1f;

  private static final float LN2_LOW = (float) (Math.log(2) - LN2_HIGH);

  /// Beyond these the result is 0 or infinity in float32.
  private static final float LEAST = -87.3f;

  private static final float MOST = 88.7f;

  /// Adding and subtracting it rounds to the nearest integer, ties to even.
  private static final float ROUNDER = 0x1.8p23f;

  private VectorMath() {}

  /// `e^x` within two units in the last place; results below the smallest normal number become 0.
  ///
  /// Cody and Waite's reduction to `e^r 2^n` with |r| <= ln 2 / 2, then the Taylor polynomial of
  /// degree 7, whose remainder is below 2^-26 there.
  static FloatVector exp(FloatVector x) {
    FloatVector bounded = x.min(MOST).max(LEAST);
    FloatVector n = bounded.mul(LOG2_E).add(ROUNDER).sub(ROUNDER);
    FloatVector r = n.fma(broadcast(-LN2_HIGH), bounded);
    r = n.fma(broadcast(-LN2_LOW), r);
    FloatVector p = broadcast(1f / 5040);
    p = p.fma(r, broadcast(1f / 720));
    p = p.fma(r, broadcast(1f / 120));
    p = p.fma(r, broadcast(1f / 24));
    p = p.fma(r, broadcast(1f / 6));
    p = p.fma(r, broadcast(0.5f));
    p = p.fma(r, broadcast(1f));
    p = p.fma(r, broadcast(1f));
    IntVector exponent = (IntVector) n.convertShape(VectorOperators.F2I, Lanes.INTS, 0);
    // 2^n in two factors, since n reaches 128, one more than an exponent field can hold.
    IntVector half = exponent.lanewise(VectorOperators.ASHR, 1);
    FloatVector scaled = p.mul(power(half)).mul(power(exponent.sub(half)));
    return scaled.blend(0f, x.compare(VectorOperators.LT, LEAST));
  }

  private static FloatVector power(IntVector exponent) {
    return exponent.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
  }

  /// `x / (1 + e^-x)`.
  static FloatVector silu(FloatVector x) {
    return x.div(exp(x.neg()).add(1f));
  }

  private static FloatVector broadcast(float value) {
    return FloatVector.broadcast(Lanes.FLOATS, value);
  }
}
