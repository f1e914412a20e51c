package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.Panels;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/// Quantises weights `[inputs][16]`, the rows of a panel side by side: every lane does what a loop
/// over one row would do, in its order.
final class LaneQuantizer {
  private static final int ROWS = Panels.ROWS;

  /// Added to and taken from a float of less than 2^22, it leaves the nearest integer, ties
  /// to even.
  private static final float ROUND = 0x1.8p23f;

  private LaneQuantizer() {}

  private static FloatVector row(float[] weights, int lane, int input) {
    return FloatVector.fromArray(Lanes.FLOATS, weights, input * ROWS + lane);
  }

  /// The largest magnitude of each row; NaN where there is one.
  static FloatVector largest(float[] weights, int lane, int inputs) {
    FloatVector most = FloatVector.zero(Lanes.FLOATS);
    for (int i = 0; i < inputs; i++) {
      most = most.max(row(weights, lane, i).abs());
    }
    return most;
  }

  private static IntVector rounded(FloatVector value) {
    return (IntVector) value.add(ROUND).sub(ROUND).convertShape(VectorOperators.F2I, Lanes.INTS, 0);
  }

  /// Writes 8-bit integers, four inputs to a word.
  static void writeInt8(
      float[] weights, int lane, int inputs, FloatVector inverse, MemorySegment panel) {
    for (int i = 0; i < inputs; i += 4) {
      IntVector word = IntVector.zero(Lanes.INTS);
      for (int j = 0; j < 4; j++) {
        IntVector code = rounded(row(weights, lane, i + j).mul(inverse)).add(128);
        word = word.or(code.and(0xff).lanewise(VectorOperators.LSHL, 8 * j));
      }
      word.intoMemorySegment(panel, 4L * (i / 4 * ROWS + lane), ByteOrder.LITTLE_ENDIAN);
    }
  }

  /// Writes 4-bit integers of inputs `from` up to `end`, eight to a word.
  static void writeInt4(
      float[] weights, int lane, int from, int end, FloatVector inverse, MemorySegment panel) {
    for (int i = from; i < end; i += 8) {
      IntVector word = IntVector.zero(Lanes.INTS);
      for (int j = 0; j < 8; j++) {
        IntVector code = code4(row(weights, lane, i + j), inverse).add(8);
        word = word.or(code.lanewise(VectorOperators.LSHL, Panels.nibbleShift(j)));
      }
      word.intoMemorySegment(panel, 4L * (i / 8 * ROWS + lane), ByteOrder.LITTLE_ENDIAN);
    }
  }

  private static IntVector code4(FloatVector weight, FloatVector inverse) {
    return rounded(weight.mul(inverse).max(-8).min(7));
  }

  /// The scales of the rows' inputs `from` up to `from + group`, brain floats all: the better of
  /// two by squared error. One puts the largest weight at -8, which uses the whole range, the other
  /// at 7 or -7.
  ///
  /// A NaN where a weight is not finite: the group's outputs are then what they would be.
  static void groupScales(float[] weights, int from, int group, float[] scales) {
    float[] whole = new float[ROWS];
    float[] even = new float[ROWS];
    for (int lane = 0; lane < ROWS; lane += Lanes.COUNT) {
      signedLargest(weights, lane, from, from + group).intoArray(whole, lane);
    }
    for (int lane = 0; lane < ROWS; lane++) {
      float largest = whole[lane];
      whole[lane] = Elements.bfloat16(Elements.toBfloat16(largest / -8));
      even[lane] = Elements.bfloat16(Elements.toBfloat16(Math.abs(largest) / 7));
    }
    for (int lane = 0; lane < ROWS; lane += Lanes.COUNT) {
      FloatVector a = FloatVector.fromArray(Lanes.FLOATS, whole, lane);
      FloatVector b = FloatVector.fromArray(Lanes.FLOATS, even, lane);
      VectorMask<Float> isWhole =
          error(weights, lane, from, from + group, a)
              .compare(VectorOperators.LE, error(weights, lane, from, from + group, b));
      b.blend(a, isWhole).intoArray(scales, lane);
    }
  }

  /// The first of the weights of largest magnitude, with its sign; NaN where one is not finite.
  private static FloatVector signedLargest(float[] weights, int lane, int from, int end) {
    FloatVector largest = FloatVector.zero(Lanes.FLOATS);
    FloatVector odd = largest;
    for (int i = from; i < end; i++) {
      FloatVector weight = row(weights, lane, i);
      largest = largest.blend(weight, weight.abs().compare(VectorOperators.GT, largest.abs()));
      // 0, or NaN for what is not finite.
      odd = odd.add(weight.mul(0));
    }
    return largest.add(odd);
  }

  private static FloatVector error(
      float[] weights, int lane, int from, int end, FloatVector scale) {
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    FloatVector inverse =
        FloatVector.broadcast(Lanes.FLOATS, 1)
            .div(scale)
            .blend(zero, scale.compare(VectorOperators.EQ, 0f));
    FloatVector sum = zero;
    for (int i = from; i < end; i++) {
      FloatVector weight = row(weights, lane, i);
      FloatVector code =
          (FloatVector) code4(weight, inverse).convertShape(VectorOperators.I2F, Lanes.FLOATS, 0);
      FloatVector difference = weight.sub(code.mul(scale));
      sum = sum.add(difference.mul(difference));
    }
    return sum;
  }
}
