package io.sparkllama4.backend.cpu;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// The inner loops of matrices stored `[inputs, outputs]`: every input adds its row of weights,
/// times itself, to the outputs.
///
/// The inputs come from both halves in turn ([#input]): two streams that lie far apart keep more of
/// the memory's lines on their way than one. One output element is, whatever shares the step: the
/// inputs in that order cut into four runs of equal length ([#runLength]); in each run the sum over
/// the inputs, each added by fused multiply-add; `(s0 + s1) + (s2 + s3)`.
final class AxpyTiles {
  /// Tokens and vectors of a tile: 10 accumulators, 2 weights and an input. Six tokens would fill
  /// the 16 registers of AVX2, but then the compiler spills, and half the speed is gone.
  static final int TOKENS = 5;

  static final int VECTORS = 2;

  /// Runs of inputs with a sum of their own: a thread that takes a run reads memory in one stretch.
  static final int RUNS = 4;

  private AxpyTiles() {}

  /// Inputs of a run, an even number; the last ones may have fewer, or none.
  static int runLength(int inputs) {
    return 2 * Math.ceilDiv(inputs, 2 * RUNS);
  }

  /// Where the second half of the inputs begins.
  static int half(int inputs) {
    return (inputs + 1) / 2;
  }

  /// The input at a place of the order `0, half, 1, half + 1, ...`.
  static int input(int place, int inputs) {
    return place / 2 + (place % 2 == 0 ? 0 : half(inputs));
  }

  /// Adds the sums of the runs.
  ///
  /// @param sums `[RUNS]`, `stride` floats apart, from `offset`; the first gets the total
  /// @param count outputs, whole vectors
  static void total(float[] sums, int offset, int stride, int count) {
    for (int i = offset; i < offset + count; i += Lanes.COUNT) {
      FloatVector first = at(sums, i).add(at(sums, i + stride));
      FloatVector second = at(sums, i + 2 * stride).add(at(sums, i + 3 * stride));
      first.add(second).intoArray(sums, i);
    }
  }

  private static FloatVector at(float[] values, int offset) {
    return FloatVector.fromArray(Lanes.FLOATS, values, offset);
  }

  private static FloatVector broadcast(float[] values, int offset) {
    return FloatVector.broadcast(Lanes.FLOATS, values[offset]);
  }

  /// Adds some inputs of five tokens to two vectors of outputs.
  ///
  /// @param x `[inputs][TOKENS]` from `xOffset`
  /// @param w `[inputs][VECTORS][COUNT]` from `wOffset`
  /// @param y five rows of `stride` floats, from `yOffset`, in place
  static void tile(
      float[] x,
      int xOffset,
      int inputs,
      float[] w,
      int wOffset,
      float[] y,
      int yOffset,
      int stride) {
    final int n = Lanes.COUNT;
    FloatVector a0 = at(y, yOffset);
    FloatVector a1 = at(y, yOffset + n);
    FloatVector b0 = at(y, yOffset + stride);
    FloatVector b1 = at(y, yOffset + stride + n);
    FloatVector c0 = at(y, yOffset + 2 * stride);
    FloatVector c1 = at(y, yOffset + 2 * stride + n);
    FloatVector d0 = at(y, yOffset + 3 * stride);
    FloatVector d1 = at(y, yOffset + 3 * stride + n);
    FloatVector e0 = at(y, yOffset + 4 * stride);
    FloatVector e1 = at(y, yOffset + 4 * stride + n);
    int wAt = wOffset;
    int xAt = xOffset;
    for (int i = 0; i < inputs; i++, wAt += VECTORS * n, xAt += TOKENS) {
      FloatVector w0 = at(w, wAt);
      FloatVector w1 = at(w, wAt + n);
      FloatVector v = broadcast(x, xAt);
      a0 = v.fma(w0, a0);
      a1 = v.fma(w1, a1);
      v = broadcast(x, xAt + 1);
      b0 = v.fma(w0, b0);
      b1 = v.fma(w1, b1);
      v = broadcast(x, xAt + 2);
      c0 = v.fma(w0, c0);
      c1 = v.fma(w1, c1);
      v = broadcast(x, xAt + 3);
      d0 = v.fma(w0, d0);
      d1 = v.fma(w1, d1);
      v = broadcast(x, xAt + 4);
      e0 = v.fma(w0, e0);
      e1 = v.fma(w1, e1);
    }
    a0.intoArray(y, yOffset);
    a1.intoArray(y, yOffset + n);
    b0.intoArray(y, yOffset + stride);
    b1.intoArray(y, yOffset + stride + n);
    c0.intoArray(y, yOffset + 2 * stride);
    c1.intoArray(y, yOffset + 2 * stride + n);
    d0.intoArray(y, yOffset + 3 * stride);
    d1.intoArray(y, yOffset + 3 * stride + n);
    e0.intoArray(y, yOffset + 4 * stride);
    e1.intoArray(y, yOffset + 4 * stride + n);
  }

  /// Adds two inputs of one token to outputs, one after the other, the weights read where they are
  /// stored.
  ///
  /// @param x0 the first input
  /// @param x1 the second
  /// @param w brain floats
  /// @param first byte of the first input's weights
  /// @param second byte of the second's
  /// @param y `[outputs]`, in place
  /// @param outputs whole vectors
  static void streamPair(
      float x0, float x1, MemorySegment w, long first, long second, float[] y, int outputs) {
    FloatVector v0 = FloatVector.broadcast(Lanes.FLOATS, x0);
    FloatVector v1 = FloatVector.broadcast(Lanes.FLOATS, x1);
    for (int i = 0; i < outputs; i += Lanes.COUNT) {
      FloatVector sum = v0.fma(Lanes.bfloat16(w, first + 2L * i), at(y, i));
      v1.fma(Lanes.bfloat16(w, second + 2L * i), sum).intoArray(y, i);
    }
  }

  /// Adds one input of one token to outputs.
  ///
  /// @param w its weights
  /// @param y `[outputs]`, in place
  /// @param outputs whole vectors
  static void streamFloat(float x, float[] w, float[] y, int outputs) {
    FloatVector v = FloatVector.broadcast(Lanes.FLOATS, x);
    for (int i = 0; i < outputs; i += Lanes.COUNT) {
      v.fma(at(w, i), at(y, i)).intoArray(y, i);
    }
  }

  /// Unpacks brain floats, slices of `VECTORS * COUNT` outputs apart by `sliceFloats`, each
  /// `[inputs][VECTORS][COUNT]`.
  ///
  /// @param first byte of the first input's weights
  /// @param second byte of the second's; the inputs come from here and there in turn
  /// @param stride bytes from one input's weights to those of the next but one
  /// @param outputs whole slices
  static void unpackBfloat16(
      MemorySegment w,
      long first,
      long second,
      long stride,
      int inputs,
      int outputs,
      float[] panel,
      int sliceFloats) {
    final int n = Lanes.COUNT;
    final int slice = VECTORS * n;
    for (int i = 0; i < inputs; i++) {
      long row = (i % 2 == 0 ? first : second) + i / 2 * stride;
      int at = i * slice;
      for (int o = 0; o < outputs; o += slice, at += sliceFloats) {
        Lanes.bfloat16(w, row + 2L * o).intoArray(panel, at);
        Lanes.bfloat16(w, row + 2L * (o + n)).intoArray(panel, at + n);
      }
    }
  }
}
