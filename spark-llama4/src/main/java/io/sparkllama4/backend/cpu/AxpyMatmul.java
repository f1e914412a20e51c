package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Matrix;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// Products with matrices stored `[inputs, outputs]`, Llama 4's fused experts. One instance per
/// thread: it owns that thread's scratch arrays.
final class AxpyMatmul {
  /// Outputs whose sums are kept together: two cache lines of brain floats from each input's row.
  private static final int PANEL_OUTPUTS = 64;

  /// Inputs whose weights are unpacked together: with the outputs of a tile half of a first-level
  /// cache, so that they stay there while all tokens pass.
  private static final int PANEL_INPUTS = 256;

  /// Outputs of a single token that stay in the first-level cache while all inputs pass.
  private static final int STREAM_OUTPUTS = 2048;

  private final int panelOutputs = Math.max(PANEL_OUTPUTS, AxpyTiles.VECTORS * Lanes.COUNT);
  private float[] panel = new float[0];
  private float[] sums = new float[0];

  /// Outputs that a task should have at least, so that memory is read in long pieces.
  static int leastRows(int tokens) {
    return streams(tokens) ? STREAM_OUTPUTS / 4 : PANEL_OUTPUTS;
  }

  /// True of runs of tokens that pass the weights one by one; longer ones are packed.
  static boolean streams(int tokens) {
    return tokens < AxpyTiles.TOKENS / 2;
  }

  /// Few tokens: computes `task` from the tokens as they stand.
  void stream(MatmulTask task) {
    for (long first = task.firstRow(); first < task.endRow(); first += STREAM_OUTPUTS) {
      stream(task, first, (int) Math.min(STREAM_OUTPUTS, task.endRow() - first));
    }
  }

  /// Many tokens: computes `task` from packed tokens, those of the task from `tokenOffset` on.
  void tiles(MatmulTask task, float[] tokens, int tokenOffset) {
    for (long first = task.firstRow(); first < task.endRow(); first += panelOutputs) {
      int outputs = (int) Math.min(panelOutputs, task.endRow() - first);
      tiles(task, first, outputs, tokens, tokenOffset);
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
  ///
  /// @param tokens packed tiles, of which the task's begin at `tokenOffset`
  private void tiles(MatmulTask task, long first, int outputs, float[] tokens, int tokenOffset) {
    int inputs = task.inputs();
    int groups = Math.ceilDiv(task.tokens(), AxpyTiles.TOKENS);
    int slice = AxpyTiles.VECTORS * Lanes.COUNT;
    panel = ensure(panel, PANEL_INPUTS * slice);
    sums = ensure(sums, groups * AxpyTiles.TOKENS * panelOutputs);
    Arrays.fill(sums, 0, groups * AxpyTiles.TOKENS * panelOutputs, 0);
    for (int block = 0; block < inputs; block += PANEL_INPUTS) {
      int count = Math.min(PANEL_INPUTS, inputs - block);
      for (int o = 0; o < outputs; o += slice) {
        unpackSlice(task.part().weight(), block, count, first + o, Math.min(slice, outputs - o));
        for (int group = 0; group < groups; group++) {
          int x = tokenOffset + (group * inputs + block) * AxpyTiles.TOKENS;
          int y = group * AxpyTiles.TOKENS * panelOutputs + o;
          AxpyTiles.tile(tokens, x, count, panel, 0, sums, y, panelOutputs);
        }
      }
    }
    for (int t = 0; t < task.tokens(); t++) {
      task.put(task.firstToken() + t, first, sums, t * panelOutputs, outputs);
    }
  }

  /// Unpacks weights of `count` inputs from `block` on, `[inputs][VECTORS][COUNT]`, for outputs
  /// from `first` on; outputs that the last slice lacks count as zeros.
  private void unpackSlice(Matrix matrix, int block, int count, long first, int outputs) {
    int slice = AxpyTiles.VECTORS * Lanes.COUNT;
    if (outputs < slice) {
      Arrays.fill(panel, 0, count * slice, 0);
    }
    for (int i = 0; i < count; i++) {
      unpack(matrix, block + i, first, outputs, panel, i * slice);
    }
  }

  private static float[] ensure(float[] array, int length) {
    return array.length >= length ? array : new float[length];
  }
}
