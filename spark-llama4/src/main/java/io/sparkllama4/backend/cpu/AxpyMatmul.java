package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Matrix;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// Products with matrices stored `[inputs, outputs]`, Llama 4's fused experts. One instance per
/// thread: it owns that thread's scratch arrays.
final class AxpyMatmul {
  /// Outputs whose weights are unpacked together: two cache lines of brain floats from each input's
  /// row.
  private static final int PANEL_OUTPUTS = 64;

  /// Inputs whose weights are unpacked together: with 64 outputs a quarter of a second-level cache.
  private static final int PANEL_INPUTS = 512;

  /// Outputs of a single token that stay in the first-level cache while all inputs pass.
  private static final int STREAM_OUTPUTS = 2048;

  private final int panelOutputs = Math.max(PANEL_OUTPUTS, AxpyTiles.VECTORS * Lanes.COUNT);
  private float[] panel = new float[0];
  private float[] tokens = new float[0];
  private float[] sums = new float[0];

  /// Outputs that a task should have at least, so that memory is read in long pieces.
  static int leastRows(int tokens) {
    return isFew(tokens) ? STREAM_OUTPUTS / 4 : PANEL_OUTPUTS;
  }

  private static boolean isFew(int tokens) {
    return tokens < AxpyTiles.TOKENS / 2;
  }

  void run(MatmulTask task) {
    boolean few = isFew(task.tokens());
    int block = few ? STREAM_OUTPUTS : panelOutputs;
    for (long first = task.firstRow(); first < task.endRow(); first += block) {
      int outputs = (int) Math.min(block, task.endRow() - first);
      if (few) {
        stream(task, first, outputs);
      } else {
        tiles(task, first, outputs);
      }
    }
  }

  /// Few tokens: weights are read where they are stored, four inputs at a time, and meet all
  /// tokens.
  private void stream(MatmulTask task, long first, int outputs) {
    Matrix matrix = task.part().weight();
    int inputs = task.inputs();
    int padded = Lanes.padded(outputs);
    boolean inPlace = matrix.values().dtype() == DType.BF16;
    int whole = inPlace ? outputs - outputs % Lanes.COUNT : 0;
    float[][] x = new float[task.tokens()][Lanes.padded(inputs)];
    float[][] y = new float[task.tokens()][padded];
    for (int t = 0; t < x.length; t++) {
      task.copyInput(task.firstToken() + t, x[t], 0, Lanes.COUNT);
    }
    MemorySegment w = matrix.values().data();
    long stride = 2 * matrix.rows();
    int streamed = whole == 0 ? 0 : inputs - inputs % AxpyTiles.INPUTS;
    for (int input = 0; input < streamed; input += AxpyTiles.INPUTS) {
      for (int t = 0; t < x.length; t++) {
        AxpyTiles.streamBfloat16(x[t], input, w, input * stride + 2 * first, stride, y[t], whole);
      }
    }
    panel = ensure(panel, padded);
    for (int input = 0; input < inputs; input++) {
      // The last inputs of the outputs above, all inputs of what is left of a row or of another
      // type.
      int from = input < streamed ? whole : 0;
      if (from < outputs) {
        Arrays.fill(panel, 0, padded, 0);
        unpack(matrix, input, first + from, outputs - from, panel, from);
        for (int t = 0; t < x.length; t++) {
          AxpyTiles.streamFloat(x[t][input], panel, y[t], padded);
        }
      }
    }
    for (int t = 0; t < x.length; t++) {
      task.put(task.firstToken() + t, first, y[t], 0, outputs);
    }
  }

  /// Writes weights of `input` for `count` outputs from `output` on.
  private static void unpack(
      Matrix matrix, int input, long output, int count, float[] target, int offset) {
    long from = input * matrix.rows() + output;
    MemorySegment data = matrix.values().data();
    int whole = matrix.values().dtype() == DType.BF16 ? count - count % Lanes.COUNT : 0;
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      Lanes.bfloat16(data, 2 * (from + i)).intoArray(target, offset + i);
    }
    for (int i = whole; i < count; i++) {
      target[offset + i] = matrix.values().decode(from + i);
    }
  }

  /// Many tokens: weights are unpacked once and all tokens pass them, six at a time.
  private void tiles(MatmulTask task, long first, int outputs) {
    int width = panelOutputs;
    int inputs = task.inputs();
    int groups = Math.ceilDiv(task.tokens(), AxpyTiles.TOKENS);
    panel = ensure(panel, PANEL_INPUTS * width);
    tokens = ensure(tokens, PANEL_INPUTS * AxpyTiles.TOKENS);
    sums = ensure(sums, groups * AxpyTiles.TOKENS * width);
    Arrays.fill(sums, 0, groups * AxpyTiles.TOKENS * width, 0);
    if (outputs < width) {
      Arrays.fill(panel, 0, PANEL_INPUTS * width, 0);
    }
    for (int block = 0; block < inputs; block += PANEL_INPUTS) {
      int count = Math.min(PANEL_INPUTS, inputs - block);
      for (int i = 0; i < count; i++) {
        unpack(task.part().weight(), block + i, first, outputs, panel, i * width);
      }
      for (int group = 0; group < groups; group++) {
        pack(task, task.firstToken() + group * AxpyTiles.TOKENS, block, count);
        int y = group * AxpyTiles.TOKENS * width;
        for (int o = 0; o < outputs; o += AxpyTiles.VECTORS * Lanes.COUNT) {
          AxpyTiles.tile(tokens, count, panel, o, width, sums, y + o);
        }
      }
    }
    for (int t = 0; t < task.tokens(); t++) {
      task.put(task.firstToken() + t, first, sums, t * width, outputs);
    }
  }

  /// Packs inputs of six tokens, `[inputs][TOKENS]`; tokens that are missing count as zeros.
  private void pack(MatmulTask task, int firstToken, int block, int count) {
    MemorySegment data = task.input().data();
    for (int t = 0; t < AxpyTiles.TOKENS; t++) {
      int token = firstToken + t;
      boolean isThere = token < task.endToken();
      long from = 4 * ((long) token * task.inputs() + block);
      for (int i = 0; i < count; i++) {
        tokens[i * AxpyTiles.TOKENS + t] =
            isThere ? data.get(io.sparkllama4.tensor.Elements.FLOAT, from + 4L * i) : 0;
      }
    }
  }

  private static float[] ensure(float[] array, int length) {
    return array.length >= length ? array : new float[length];
  }
}
