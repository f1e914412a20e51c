package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.Panels;
import io.sparkllama4.tensor.Quantization;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/// Panels on the Java Vector API, for any vector width: what runs where there are no native
/// kernels.
///
/// Weights are unpacked to floats that stay in a first-level cache, and rows pass them. Products of
/// float inputs have the same bits as the native ones: inputs in their order, in blocks of 256.
/// Those of quantised inputs are sums of integers, which floats hold exactly up to 2^24.
final class VectorPanels implements PanelMath {
  /// Inputs whose products are added in one chain; the sums of such blocks are added in turn.
  private static final int BLOCK = 256;

  private static final int ROWS = Panels.ROWS;

  /// Rows that pass a panel at once.
  private static final int TILE = 4;

  /// Inputs of the longest chain.
  private static final int MOST = BLOCK;

  private final Scratch[] scratch;

  /// What a thread works on.
  private static final class Scratch {
    final float[] weights = new float[MOST * ROWS];
    final float[] inputs = new float[TILE * MOST];
    final float[] sums = new float[TILE * ROWS];
    float[] totals = new float[0];
  }

  VectorPanels(int threads) {
    scratch = new Scratch[threads];
    for (int i = 0; i < threads; i++) {
      scratch[i] = new Scratch();
    }
  }

  /// A quantised row: its scales, and from this byte on its integers as floats.
  private static long headerBytes(Matrix weight) {
    int columns = Math.toIntExact(weight.columns());
    int scales = QuantizedRow.of(weight.quantization(), columns).scales(columns);
    return Panels.roundUp(4L * scales, 64);
  }

  @Override
  public long quantizedBytes(Matrix weight) {
    return headerBytes(weight) + Panels.roundUp(4 * weight.columns(), 64);
  }

  @Override
  public void quantize(Matrix weight, Rows input, Rows target) {
    int columns = Math.toIntExact(weight.columns());
    QuantizedRow form = QuantizedRow.of(weight.quantization(), columns);
    int[] codes = new int[columns];
    float[] scales = new float[form.scales(columns)];
    long header = headerBytes(weight);
    for (int row = 0; row < input.count(); row++) {
      long to = target.at() + row * target.stride();
      form.quantize(input.data(), input.at() + row * input.stride(), codes, scales);
      for (int group = 0; group < scales.length; group++) {
        target.data().set(Elements.FLOAT, to + 4L * group, scales[group]);
      }
      for (int i = 0; i < columns; i++) {
        target.data().set(Elements.FLOAT, to + header + 4L * i, codes[i]);
      }
    }
  }

  @Override
  public void product(
      Matrix weight, long first, long outputs, Rows input, Rows output, int worker) {
    Scratch own = scratch[worker];
    for (long done = 0; done < outputs; done += ROWS) {
      int count = (int) Math.min(ROWS, outputs - done);
      panel(weight, first + done / ROWS, count, input, output.from(done), own);
    }
  }

  /// The inputs that are added in one chain.
  private static int chain(Quantization quantization) {
    return switch (quantization) {
      case Quantization.None _, Quantization.Fp8PerRow _ -> BLOCK;
      case Quantization.Int8PerRow _ -> Panels.INT8_GROUP;
      case Quantization.Int4PerGroup(_, int group, boolean quantizes) -> quantizes ? group : BLOCK;
    };
  }

  private static void panel(
      Matrix weight, long panel, int count, Rows input, Rows output, Scratch own) {
    Quantization quantization = weight.quantization();
    int rows = input.count();
    int inputs = Math.toIntExact(weight.columns());
    int chain = chain(quantization);
    if (own.totals.length < rows * ROWS) {
      own.totals = new float[rows * ROWS];
    }
    Arrays.fill(own.totals, 0, rows * ROWS, 0);
    long skip = quantization.quantizesInputs() ? headerBytes(weight) : 0;
    for (int from = 0; from < inputs; from += chain) {
      int end = Math.min(inputs, from + chain);
      PanelUnpacker.unpack(weight, panel, from, end, own.weights);
      for (int row = 0; row < rows; row += TILE) {
        int some = Math.min(TILE, rows - row);
        for (int m = 0; m < some; m++) {
          long at = input.at() + (row + m) * input.stride() + skip + 4L * from;
          MemorySegment.copy(
              input.data(),
              ValueLayout.JAVA_FLOAT_UNALIGNED,
              at,
              own.inputs,
              m * chain,
              end - from);
        }
        if (some == TILE) {
          tile(own, chain, end - from);
        } else {
          for (int m = 0; m < some; m++) {
            single(own, m * chain, end - from, m * ROWS);
          }
        }
        take(weight, panel, from, row, some, input, own);
      }
    }
    for (int row = 0; row < rows; row++) {
      finish(weight, panel, row, count, input, output, own);
    }
  }

  /// Adds a chain's sums to the totals.
  private static void take(
      Matrix weight, long panel, int from, int row, int some, Rows input, Scratch own) {
    for (int m = 0; m < some; m++) {
      float inputScale =
          weight.quantization() instanceof Quantization.Int8PerRow
              ? scale(input, row + m, from / Panels.INT8_GROUP)
              : 1;
      for (int lane = 0; lane < ROWS; lane++) {
        int at = (row + m) * ROWS + lane;
        float sum = own.sums[m * ROWS + lane];
        switch (weight.quantization()) {
          case Quantization.Int8PerRow _ ->
              own.totals[at] = Math.fma(sum, inputScale, own.totals[at]);
          case Quantization.Int4PerGroup(_, _, boolean quantizes) when quantizes ->
              own.totals[at] =
                  Math.fma(sum, Panels.scale(weight, panel * ROWS + lane, from), own.totals[at]);
          default -> own.totals[at] = from == 0 ? sum : own.totals[at] + sum;
        }
      }
    }
  }

  /// A scale of a quantised row.
  private static float scale(Rows input, int row, int group) {
    return input.data().get(Elements.FLOAT, input.at() + row * input.stride() + 4L * group);
  }

  private static void finish(
      Matrix weight, long panel, int row, int count, Rows input, Rows output, Scratch own) {
    int at = row * ROWS;
    for (int lane = 0; lane < count; lane++) {
      switch (weight.quantization()) {
        case Quantization.Int8PerRow _ ->
            own.totals[at + lane] *= Panels.scale(weight, panel * ROWS + lane, 0);
        case Quantization.Int4PerGroup(_, _, boolean quantizes) when quantizes ->
            own.totals[at + lane] *= scale(input, row, 0);
        default -> {}
      }
    }
    MemorySegment.copy(
        own.totals,
        at,
        output.data(),
        ValueLayout.JAVA_FLOAT_UNALIGNED,
        output.at() + row * output.stride(),
        count);
  }

  /// Four rows with one panel: eight chains on 256-bit vectors.
  private static void tile(Scratch own, int stride, int length) {
    float[] w = own.weights;
    float[] x = own.inputs;
    for (int lane = 0; lane < ROWS; lane += Lanes.COUNT) {
      FloatVector a = FloatVector.zero(Lanes.FLOATS);
      FloatVector b = a;
      FloatVector c = a;
      FloatVector d = a;
      for (int i = 0; i < length; i++) {
        FloatVector weight = FloatVector.fromArray(Lanes.FLOATS, w, i * ROWS + lane);
        a = weight.fma(FloatVector.broadcast(Lanes.FLOATS, x[i]), a);
        b = weight.fma(FloatVector.broadcast(Lanes.FLOATS, x[stride + i]), b);
        c = weight.fma(FloatVector.broadcast(Lanes.FLOATS, x[2 * stride + i]), c);
        d = weight.fma(FloatVector.broadcast(Lanes.FLOATS, x[3 * stride + i]), d);
      }
      a.intoArray(own.sums, lane);
      b.intoArray(own.sums, ROWS + lane);
      c.intoArray(own.sums, 2 * ROWS + lane);
      d.intoArray(own.sums, 3 * ROWS + lane);
    }
  }

  private static void single(Scratch own, int at, int length, int target) {
    for (int lane = 0; lane < ROWS; lane += Lanes.COUNT) {
      FloatVector sum = FloatVector.zero(Lanes.FLOATS);
      for (int i = 0; i < length; i++) {
        FloatVector weight = FloatVector.fromArray(Lanes.FLOATS, own.weights, i * ROWS + lane);
        sum = weight.fma(FloatVector.broadcast(Lanes.FLOATS, own.inputs[at + i]), sum);
      }
      sum.intoArray(own.sums, target + lane);
    }
  }

  @Override
  public void swiGlu(Rows gate, Rows up, long width, Rows output) {
    long whole = width - width % Lanes.COUNT;
    for (int row = 0; row < gate.count(); row++) {
      long g = gate.at() + row * gate.stride();
      long u = up.at() + row * up.stride();
      long y = output.at() + row * output.stride();
      for (long i = 0; i < whole; i += Lanes.COUNT) {
        FloatVector activated = VectorMath.silu(Lanes.floats(gate.data(), g + 4 * i));
        Lanes.store(activated.mul(Lanes.floats(up.data(), u + 4 * i)), output.data(), y + 4 * i);
      }
      if (whole < width) {
        int rest = (int) (width - whole);
        FloatVector activated = VectorMath.silu(Lanes.floats(gate.data(), g + 4 * whole, rest));
        FloatVector factor = Lanes.floats(up.data(), u + 4 * whole, rest);
        Lanes.store(activated.mul(factor), output.data(), y + 4 * whole, rest);
      }
    }
  }

  @Override
  public void rmsNorm(Rows input, Tensor weight, float epsilon, Rows output) {
    int width = Math.toIntExact(weight.size(0));
    int whole = width - width % Lanes.COUNT;
    for (int row = 0; row < input.count(); row++) {
      long at = input.at() + row * input.stride();
      FloatVector squares = FloatVector.zero(Lanes.FLOATS);
      for (int i = 0; i < whole; i += Lanes.COUNT) {
        FloatVector v = Lanes.floats(input.data(), at + 4L * i);
        squares = v.fma(v, squares);
      }
      if (whole < width) {
        FloatVector v = Lanes.floats(input.data(), at + 4L * whole, width - whole);
        squares = v.fma(v, squares);
      }
      float scale = (float) (1 / Math.sqrt(Lanes.sum(squares) / width + epsilon));
      long to = output.at() + row * output.stride();
      for (int i = 0; i < width; i++) {
        float x = input.data().get(Elements.FLOAT, at + 4L * i);
        output.data().set(Elements.FLOAT, to + 4L * i, x * scale * weight.decode(i));
      }
    }
  }

  @Override
  public void add(Tensor addend, Tensor target, long at, long count) {
    for (long i = at; i < at + 4 * count; i += 4) {
      float sum = target.data().get(Elements.FLOAT, i) + addend.data().get(Elements.FLOAT, i);
      target.data().set(Elements.FLOAT, i, sum);
    }
  }

  @Override
  public double ceiling(Ceiling what, long rounds, Tensor memory, long at, long bytes) {
    return switch (what) {
      case FP32 -> VectorCeilings.multiplyAdds(rounds);
      case MEMORY -> VectorCeilings.read(memory, at, bytes);
      // The Vector API reaches no dot product of narrower numbers.
      case INT8, INT4, BF16 -> -1;
    };
  }
}
