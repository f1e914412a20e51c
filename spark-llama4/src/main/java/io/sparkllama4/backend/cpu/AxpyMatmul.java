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
  private static final int STREAM_OUTPUTS = 4096;

  private final int panelOutputs = Math.max(PANEL_OUTPUTS, AxpyTiles.VECTORS * Lanes.COUNT);
  private float[] panel = new float[0];
  private float[] sums = new float[0];

  /// Outputs that a task should have: memory is read in long stretches, and every one of `threads`
  /// gets some.
  static long rowsPerTask(long rows, int tokens, int threads) {
    if (!streams(tokens)) {
      long even = Math.ceilDiv(rows, (long) threads);
      return Math.min(Math.ceilDiv(even, PANEL_OUTPUTS) * (long) PANEL_OUTPUTS, 8 * PANEL_OUTPUTS);
    }
    long even = Math.ceilDiv(rows * AxpyTiles.RUNS, 2L * threads);
    long least = STREAM_OUTPUTS / 8;
    return Math.min(Math.ceilDiv(even, least) * least, STREAM_OUTPUTS);
  }

  /// True of runs of tokens that pass the weights one by one; longer ones are packed.
  static boolean streams(int tokens) {
    return tokens < AxpyTiles.TOKENS / 2;
  }

  /// Many tokens: computes `task` from packed tokens, those of the task from `tokenOffset` on.
  void tiles(MatmulTask task, float[] tokens, int tokenOffset) {
    for (long first = task.firstRow(); first < task.endRow(); first += panelOutputs) {
      int outputs = (int) Math.min(panelOutputs, task.endRow() - first);
      tiles(task, first, outputs, tokens, tokenOffset);
    }
  }

  /// Few tokens: weights are read where they are stored, and meet all tokens. Computes the sums of
  /// one run of inputs.
  ///
  /// @param partial `[tokens][RUNS][stride]`, where the sums of the task's outputs go
  void stream(MatmulTask task, int run, float[] partial, int offset, int stride) {
    int length = AxpyTiles.runLength(task.inputs());
    int begin = Math.min(task.inputs(), run * length); // Places in the order of inputs.
    int end = Math.min(task.inputs(), begin + length);
    int outputs = task.rows();
    int padded = Lanes.padded(outputs);
    Matrix matrix = task.part().weight();
    int whole = matrix.values().dtype() == DType.BF16 ? outputs - outputs % Lanes.COUNT : 0;
    float[][] x = new float[task.tokens()][Lanes.padded(task.inputs())];
    sums = ensure(sums, padded);
    panel = ensure(panel, padded);
    for (int t = 0; t < x.length; t++) {
      task.copyInput(task.firstToken() + t, x[t], 0, Lanes.COUNT);
    }
    for (int t = 0; t < x.length; t++) {
      Arrays.fill(sums, 0, padded, 0);
      streamToken(task, x[t], begin, end, whole);
      int at = offset + (t * AxpyTiles.RUNS + run) * stride + Math.toIntExact(task.firstRow());
      System.arraycopy(sums, 0, partial, at, outputs);
    }
  }

  private void streamToken(MatmulTask task, float[] x, int begin, int end, int whole) {
    Matrix matrix = task.part().weight();
    MemorySegment w = matrix.values().data();
    int inputs = task.inputs();
    long first = task.firstRow();
    long half = 2 * matrix.rows() * AxpyTiles.half(inputs);
    int paired = whole > 0 ? end - end % 2 : begin;
    for (int place = begin; place < paired; place += 2) {
      int input = AxpyTiles.input(place, inputs);
      long at = 2 * (input * matrix.rows() + first);
      float other = x[AxpyTiles.input(place + 1, inputs)];
      AxpyTiles.streamPair(x[input], other, w, at, at + half, sums, whole);
    }
    // What is left of a row, or a whole row of another type, or one without a partner.
    int outputs = task.rows();
    int padded = Lanes.padded(outputs);
    for (int place = begin; place < end; place++) {
      int done = place < paired ? whole : 0;
      if (done < outputs) {
        int input = AxpyTiles.input(place, inputs);
        Arrays.fill(panel, 0, padded, 0);
        unpack(matrix, input, first + done, outputs - done, panel, done);
        AxpyTiles.streamFloat(x[input], panel, sums, padded);
      }
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

  /// Many tokens: weights are unpacked once and all tokens pass them, some at a time.
  ///
  /// @param tokens packed tiles, of which the task's begin at `tokenOffset`
  private void tiles(MatmulTask task, long first, int outputs, float[] tokens, int tokenOffset) {
    int inputs = task.inputs();
    int groups = Math.ceilDiv(task.tokens(), AxpyTiles.TOKENS);
    int slice = AxpyTiles.VECTORS * Lanes.COUNT;
    int run = groups * AxpyTiles.TOKENS * panelOutputs;
    int sliceFloats = PANEL_INPUTS * slice;
    panel = ensure(panel, panelOutputs / slice * sliceFloats);
    sums = ensure(sums, AxpyTiles.RUNS * run);
    Arrays.fill(sums, 0, AxpyTiles.RUNS * run, 0);
    int length = AxpyTiles.runLength(inputs);
    for (int block = 0, count; block < inputs; block += count) {
      int number = block / length;
      count = Math.min(PANEL_INPUTS, Math.min(inputs, (number + 1) * length) - block);
      unpackPanel(task.part().weight(), block, count, first, outputs);
      for (int o = 0; o < outputs; o += slice) {
        int w = o / slice * sliceFloats;
        for (int group = 0; group < groups; group++) {
          int x = tokenOffset + (group * inputs + block) * AxpyTiles.TOKENS;
          int y = number * run + group * AxpyTiles.TOKENS * panelOutputs + o;
          AxpyTiles.tile(tokens, x, count, panel, w, sums, y, panelOutputs);
        }
      }
    }
    AxpyTiles.total(sums, 0, run, run);
    for (int t = 0; t < task.tokens(); t++) {
      task.put(task.firstToken() + t, first, sums, t * panelOutputs, outputs);
    }
  }

  /// Unpacks weights of `count` inputs from place `block` on for outputs from `first` on, slice
  /// after slice, each `[inputs][VECTORS][COUNT]`; outputs that the last slice lacks count as
  /// zeros.
  private void unpackPanel(Matrix matrix, int block, int count, long first, int outputs) {
    int slice = AxpyTiles.VECTORS * Lanes.COUNT;
    int sliceFloats = PANEL_INPUTS * slice;
    int inputs = Math.toIntExact(matrix.columns());
    int whole = matrix.values().dtype() == DType.BF16 ? outputs - outputs % slice : 0;
    if (whole > 0) {
      MemorySegment data = matrix.values().data();
      long stride = 2 * matrix.rows();
      long from = block / 2 * stride + 2 * first;
      long second = from + AxpyTiles.half(inputs) * stride;
      AxpyTiles.unpackBfloat16(data, from, second, stride, count, whole, panel, sliceFloats);
    }
    for (int o = whole; o < outputs; o += slice) {
      int offset = o / slice * sliceFloats;
      Arrays.fill(panel, offset, offset + count * slice, 0);
      for (int i = 0; i < count; i++) {
        int at = offset + i * slice;
        unpack(
            matrix,
            AxpyTiles.input(block + i, inputs),
            first + o,
            Math.min(slice, outputs - o),
            panel,
            at);
      }
    }
  }

  private static float[] ensure(float[] array, int length) {
    return array.length >= length ? array : new float[length];
  }
}
