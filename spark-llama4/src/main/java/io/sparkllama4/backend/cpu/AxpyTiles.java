package io.sparkllama4.backend.cpu;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// The inner loops of matrices stored `[inputs, outputs]`: every input adds its row of weights,
/// times itself, to the outputs.
///
/// One output element is, whatever shares the step, the sum over the inputs in their order, each
/// added by fused multiply-add.
final class AxpyTiles {
  /// Tokens and vectors of a tile: 12 accumulators, 2 weights and an input fit the 16 registers of
  /// AVX2.
  static final int TOKENS = 6;

  static final int VECTORS = 2;

  /// Inputs that a single token takes at a time.
  static final int INPUTS = 4;

  private AxpyTiles() {}

  private static FloatVector at(float[] values, int offset) {
    return FloatVector.fromArray(Lanes.FLOATS, values, offset);
  }

  private static FloatVector broadcast(float[] values, int offset) {
    return FloatVector.broadcast(Lanes.FLOATS, values[offset]);
  }

  /// Adds some inputs of six tokens to two vectors of outputs.
  ///
  /// @param x `[inputs][TOKENS]` from `xOffset`
  /// @param w `[inputs][VECTORS][COUNT]` from `wOffset`
  /// @param y six rows of `stride` floats, from `yOffset`, in place
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
    FloatVector f0 = at(y, yOffset + 5 * stride);
    FloatVector f1 = at(y, yOffset + 5 * stride + n);
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
      v = broadcast(x, xAt + 5);
      f0 = v.fma(w0, f0);
      f1 = v.fma(w1, f1);
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
    f0.intoArray(y, yOffset + 5 * stride);
    f1.intoArray(y, yOffset + 5 * stride + n);
  }

  /// Adds four inputs of one token to outputs, the weights read where they are stored.
  ///
  /// @param x the token's inputs, of which four from `xOffset` count
  /// @param w brain floats
  /// @param first byte of the first input's weights
  /// @param stride bytes from one input's weights to the next's
  /// @param y `[outputs]`, in place
  /// @param outputs whole vectors
  static void streamBfloat16(
      float[] x, int xOffset, MemorySegment w, long first, long stride, float[] y, int outputs) {
    final int n = Lanes.COUNT;
    FloatVector x0 = broadcast(x, xOffset);
    FloatVector x1 = broadcast(x, xOffset + 1);
    FloatVector x2 = broadcast(x, xOffset + 2);
    FloatVector x3 = broadcast(x, xOffset + 3);
    long second = first + stride;
    long third = second + stride;
    long fourth = third + stride;
    for (int i = 0; i < outputs; i += n) {
      FloatVector sum = x0.fma(Lanes.bfloat16(w, first + 2L * i), at(y, i));
      sum = x1.fma(Lanes.bfloat16(w, second + 2L * i), sum);
      sum = x2.fma(Lanes.bfloat16(w, third + 2L * i), sum);
      sum = x3.fma(Lanes.bfloat16(w, fourth + 2L * i), sum);
      sum.intoArray(y, i);
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
}
