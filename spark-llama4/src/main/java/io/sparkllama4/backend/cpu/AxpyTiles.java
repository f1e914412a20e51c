package io.sparkllama4.backend.cpu;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// The inner loops of matrices stored `[inputs, outputs]`: every input adds its row of weights,
/// times itself, to the outputs.
///
/// One output element is, whatever shares the step: the inputs cut into four runs of equal length
/// ([#runLength]); in each run the sum over the inputs in their order, each added by fused
/// multiply-add; `(s0 + s1) + (s2 + s3)`.
final class AxpyTiles {
  /// Tokens and vectors of a tile: 10 accumulators, 2 weights and an input. Six tokens would fill
  /// the 16 registers of AVX2, but then the compiler spills, and half the speed is gone.
  static final int TOKENS = 5;

  static final int VECTORS = 2;

  /// Runs of inputs with a sum of their own: a thread that takes a run reads memory in one stretch.
  static final int RUNS = 4;

  private AxpyTiles() {}

  /// Inputs of a run; the last ones may have fewer, or none.
  static int runLength(int inputs) {
    return Math.ceilDiv(inputs, RUNS);
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

  /// Adds one input of one token to outputs, the weights read where they are stored: one stream of
  /// memory, which is how it is fastest.
  ///
  /// @param x the input
  /// @param w brain floats
  /// @param first byte of the input's weights
  /// @param y `[outputs]`, in place
  /// @param outputs whole vectors
  static void streamBfloat16(float x, MemorySegment w, long first, float[] y, int outputs) {
    FloatVector v = FloatVector.broadcast(Lanes.FLOATS, x);
    for (int i = 0; i < outputs; i += Lanes.COUNT) {
      v.fma(Lanes.bfloat16(w, first + 2L * i), at(y, i)).intoArray(y, i);
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
  /// @param stride bytes from one input's weights to the next's
  /// @param outputs whole slices
  static void unpackBfloat16(
      MemorySegment w,
      long first,
      long stride,
      int inputs,
      int outputs,
      float[] panel,
      int sliceFloats) {
    final int n = Lanes.COUNT;
    final int slice = VECTORS * n;
    for (int i = 0; i < inputs; i++) {
      long row = first + i * stride;
      int at = i * slice;
      for (int o = 0; o < outputs; o += slice, at += sliceFloats) {
        Lanes.bfloat16(w, row + 2L * o).intoArray(panel, at);
        Lanes.bfloat16(w, row + 2L * (o + n)).intoArray(panel, at + n);
      }
    }
  }
}
