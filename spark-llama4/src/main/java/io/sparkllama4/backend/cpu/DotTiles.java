package io.sparkllama4.backend.cpu;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/// The inner loops of matrices stored `[outputs, inputs]`: dot products along the inputs.
///
/// A row of weights, and a token, is a run of *pieces* of COUNT floats ([WeightRows] says which
/// input stands where). One output element is, whatever shares the step: four vectors of partial
/// sums, piece p added to vector p mod 4 by fused multiply-add, in the order of the pieces; `(s0 +
/// s1) + (s2 + s3)`; then [Lanes#sum].
final class DotTiles {
  /// Tokens and rows of a tile: 9 accumulators, 3 weights and a token. Four tokens would fill the
  /// 16 registers of AVX2, but then the compiler spills, and a third of the speed is gone.
  static final int TOKENS = 3;

  static final int ROWS = 3;

  /// Partial sums of an output: as many independent chains as hide the latency of a multiply-add,
  /// so that a single token can read row after row in one stream, which is how memory is fastest.
  static final int CHAINS = 4;

  private DotTiles() {}

  private static FloatVector at(float[] values, int offset) {
    return FloatVector.fromArray(Lanes.FLOATS, values, offset);
  }

  /// One chain of a tile.
  ///
  /// @param x `[pieces][TOKENS][COUNT]` from `xOffset`
  /// @param w `[pieces][ROWS][COUNT]` from `wOffset`
  /// @param sums `[TOKENS][ROWS][COUNT]` from `sumOffset`, overwritten
  static void tile(
      float[] x, int xOffset, float[] w, int wOffset, int pieces, float[] sums, int sumOffset) {
    final int n = Lanes.COUNT;
    FloatVector a0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector b2 = a0;
    FloatVector c0 = a0;
    FloatVector c1 = a0;
    FloatVector c2 = a0;
    int xAt = xOffset;
    int wAt = wOffset;
    for (int i = 0; i < pieces; i++, xAt += TOKENS * n, wAt += ROWS * n) {
      FloatVector w0 = at(w, wAt);
      FloatVector w1 = at(w, wAt + n);
      FloatVector w2 = at(w, wAt + 2 * n);
      FloatVector t = at(x, xAt);
      a0 = t.fma(w0, a0);
      a1 = t.fma(w1, a1);
      a2 = t.fma(w2, a2);
      t = at(x, xAt + n);
      b0 = t.fma(w0, b0);
      b1 = t.fma(w1, b1);
      b2 = t.fma(w2, b2);
      t = at(x, xAt + 2 * n);
      c0 = t.fma(w0, c0);
      c1 = t.fma(w1, c1);
      c2 = t.fma(w2, c2);
    }
    a0.intoArray(sums, sumOffset);
    a1.intoArray(sums, sumOffset + n);
    a2.intoArray(sums, sumOffset + 2 * n);
    b0.intoArray(sums, sumOffset + 3 * n);
    b1.intoArray(sums, sumOffset + 4 * n);
    b2.intoArray(sums, sumOffset + 5 * n);
    c0.intoArray(sums, sumOffset + 6 * n);
    c1.intoArray(sums, sumOffset + 7 * n);
    c2.intoArray(sums, sumOffset + 8 * n);
  }

  /// The output of a tile's token and row.
  ///
  /// @param sums `[CHAINS]`, `stride` floats apart, from `offset`
  static float reduce(float[] sums, int offset, int stride) {
    FloatVector first = at(sums, offset).add(at(sums, offset + stride));
    FloatVector second = at(sums, offset + 2 * stride).add(at(sums, offset + 3 * stride));
    return Lanes.sum(first.add(second));
  }

  /// A row of brain floats, read where it is stored, times one token.
  ///
  /// @param x the token's pieces from `xOffset`, zeros behind the last input
  /// @param first byte of the row
  /// @param inputs those of whole pieces for every chain; the rest are in `tail`
  /// @param tail the row's last pieces, unpacked; empty, `[0]`, where nothing is left
  static float streamBfloat16(
      float[] x, int xOffset, MemorySegment weights, long first, int inputs, float[] tail) {
    final int n = Lanes.COUNT;
    FloatVector a = FloatVector.zero(Lanes.FLOATS);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    for (int i = 0; i < inputs; i += 4 * n) {
      IntVector near = Lanes.ints(weights, first + 2L * i);
      IntVector far = Lanes.ints(weights, first + 2L * i + 4L * n);
      a = at(x, xOffset + i).fma(Lanes.lowerBfloat16(near), a);
      b = at(x, xOffset + i + n).fma(Lanes.upperBfloat16(near), b);
      c = at(x, xOffset + i + 2 * n).fma(Lanes.lowerBfloat16(far), c);
      d = at(x, xOffset + i + 3 * n).fma(Lanes.upperBfloat16(far), d);
    }
    for (int i = 0; i < tail.length; i += 4 * n) {
      a = at(x, xOffset + inputs + i).fma(at(tail, i), a);
      b = at(x, xOffset + inputs + i + n).fma(at(tail, i + n), b);
      c = at(x, xOffset + inputs + i + 2 * n).fma(at(tail, i + 2 * n), c);
      d = at(x, xOffset + inputs + i + 3 * n).fma(at(tail, i + 3 * n), d);
    }
    return Lanes.sum(a.add(b).add(c.add(d)));
  }

  /// Two rows of brain floats, read where they are stored, times one token. Two streams that lie
  /// far apart keep more of the memory's lines on their way than one.
  ///
  /// @param x the token's pieces from `xOffset`
  /// @param first byte of one row
  /// @param apart rows from there to the other
  /// @param inputs whole pieces for every chain: all of a row
  /// @param outputs gets the products at `output` and `output + apart`
  static void streamPair(
      float[] x,
      int xOffset,
      MemorySegment weights,
      long first,
      int apart,
      int inputs,
      float[] outputs,
      int output) {
    final int n = Lanes.COUNT;
    long second = first + 2L * apart * inputs;
    FloatVector a0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector b0 = a0;
    FloatVector c0 = a0;
    FloatVector d0 = a0;
    FloatVector a1 = a0;
    FloatVector b1 = a0;
    FloatVector c1 = a0;
    FloatVector d1 = a0;
    for (int i = 0; i < inputs; i += 4 * n) {
      FloatVector even = at(x, xOffset + i);
      FloatVector odd = at(x, xOffset + i + n);
      IntVector words = Lanes.ints(weights, first + 2L * i);
      a0 = even.fma(Lanes.lowerBfloat16(words), a0);
      b0 = odd.fma(Lanes.upperBfloat16(words), b0);
      words = Lanes.ints(weights, second + 2L * i);
      a1 = even.fma(Lanes.lowerBfloat16(words), a1);
      b1 = odd.fma(Lanes.upperBfloat16(words), b1);
      even = at(x, xOffset + i + 2 * n);
      odd = at(x, xOffset + i + 3 * n);
      words = Lanes.ints(weights, first + 2L * i + 4L * n);
      c0 = even.fma(Lanes.lowerBfloat16(words), c0);
      d0 = odd.fma(Lanes.upperBfloat16(words), d0);
      words = Lanes.ints(weights, second + 2L * i + 4L * n);
      c1 = even.fma(Lanes.lowerBfloat16(words), c1);
      d1 = odd.fma(Lanes.upperBfloat16(words), d1);
    }
    outputs[output] = Lanes.sum(a0.add(b0).add(c0.add(d0)));
    outputs[output + apart] = Lanes.sum(a1.add(b1).add(c1.add(d1)));
  }

  /// An unpacked row times one token.
  ///
  /// @param x the token's pieces from `xOffset`
  /// @param w the row's pieces
  /// @param padded floats of both, whole pieces for every chain
  static float streamFloat(float[] x, int xOffset, float[] w, int padded) {
    final int n = Lanes.COUNT;
    FloatVector a = FloatVector.zero(Lanes.FLOATS);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    for (int i = 0; i < padded; i += 4 * n) {
      a = at(x, xOffset + i).fma(at(w, i), a);
      b = at(x, xOffset + i + n).fma(at(w, i + n), b);
      c = at(x, xOffset + i + 2 * n).fma(at(w, i + 2 * n), c);
      d = at(x, xOffset + i + 3 * n).fma(at(w, i + 3 * n), d);
    }
    return Lanes.sum(a.add(b).add(c.add(d)));
  }
}
