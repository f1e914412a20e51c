package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.Matrix;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// Products with matrices stored `[outputs, inputs]`, of any stored form. One instance per thread:
/// it owns that thread's scratch arrays.
final class DotMatmul {
  /// Unpacked weights of a task: some of a core's second-level cache, so that they stay there while
  /// all tokens pass.
  private static final int PANEL_FLOATS = 48 * 1024;

  /// Floats of one chain of a tile.
  private static final int CHAIN_SUMS = DotTiles.TOKENS * DotTiles.ROWS * Lanes.COUNT;

  private static final float[] NO_TAIL = {};

  private float[] row = new float[0];
  private float[] panel = new float[0];
  private float[] sums = new float[0];
  private float[] outputs = new float[0];

  /// True of runs of tokens that pass the weights one by one; longer ones are packed.
  static boolean streams(int tokens) {
    return tokens < DotTiles.TOKENS;
  }

  /// Outputs that a task of many tokens should have.
  static int rowsPerTask(long inputs) {
    int rows = (int) Math.max(8 * DotTiles.ROWS, PANEL_FLOATS / Math.max(1, inputs));
    return rows - rows % DotTiles.ROWS;
  }

  /// Few tokens: row after row is read in one stream, and meets all tokens while it is in cache.
  void stream(MatmulTask task) {
    Matrix matrix = task.part().weight();
    boolean inPlace = WeightRows.interleaves(matrix);
    Pieces pieces = new Pieces(task.inputs(), inPlace, 1, false);
    int[] places = pieces.places();
    row = ensure(row, pieces.padded());
    float[][] x = new float[task.tokens()][pieces.padded()];
    float[][] y = new float[task.tokens()][task.rows()];
    for (int t = 0; t < x.length; t++) {
      copyToken(task, task.firstToken() + t, places, x[t]);
    }
    int whole = task.inputs() - task.inputs() % (DotTiles.CHAINS * Lanes.COUNT);
    boolean hasTail = whole < task.inputs();
    MemorySegment data = matrix.values().data();
    for (int i = 0; i < task.rows(); i++) {
      if (!inPlace || hasTail) {
        WeightRows.unpack(matrix, task.firstRow() + i, pieces, places, row, 0);
      }
      float[] tail = hasTail ? Arrays.copyOfRange(row, whole, pieces.padded()) : NO_TAIL;
      for (int t = 0; t < x.length; t++) {
        y[t][i] =
            inPlace
                ? DotTiles.streamBfloat16(
                    x[t], data, 2 * (task.firstRow() + i) * task.inputs(), whole, tail)
                : DotTiles.streamFloat(x[t], row, pieces.padded());
      }
    }
    for (int t = 0; t < x.length; t++) {
      task.put(task.firstToken() + t, task.firstRow(), y[t], 0, task.rows());
    }
  }

  private static void copyToken(MatmulTask task, int token, int[] places, float[] target) {
    MemorySegment data = task.input().data();
    long from = 4L * token * places.length;
    for (int i = 0; i < places.length; i++) {
      target[places[i]] = data.get(Elements.FLOAT, from + 4L * i);
    }
  }

  /// Many tokens: weights are unpacked once and all tokens pass them, four at a time.
  ///
  /// @param tokens packed tiles, of which the task's begin at `tokenOffset`
  void tiles(MatmulTask task, float[] tokens, int tokenOffset) {
    Matrix matrix = task.part().weight();
    boolean interleaves = WeightRows.interleaves(matrix);
    Pieces weights = new Pieces(task.inputs(), interleaves, DotTiles.ROWS, true);
    int tileFloats = weights.padded() * DotTiles.TOKENS;
    int rows = task.rows();
    int groups = Math.ceilDiv(rows, DotTiles.ROWS);
    panel = ensure(panel, groups * weights.floats());
    sums = ensure(sums, groups * DotTiles.CHAINS * CHAIN_SUMS);
    outputs = ensure(outputs, rows);
    int[] places = weights.places();
    for (int i = 0; i < rows; i++) {
      // Rows that the last group lacks hold whatever was there; their sums are never read.
      int offset = i / DotTiles.ROWS * weights.floats() + i % DotTiles.ROWS * Lanes.COUNT;
      WeightRows.unpack(matrix, task.firstRow() + i, weights, places, panel, offset);
    }
    int tile = tokenOffset;
    for (int first = 0; first < task.tokens(); first += DotTiles.TOKENS, tile += tileFloats) {
      multiply(tokens, tile, groups, weights);
      for (int t = 0; t < Math.min(DotTiles.TOKENS, task.tokens() - first); t++) {
        reduce(rows, t);
        task.put(task.firstToken() + first + t, task.firstRow(), outputs, 0, rows);
      }
    }
  }

  private void multiply(float[] tokens, int tile, int groups, Pieces weights) {
    int perChain = weights.perChain();
    for (int chain = 0; chain < DotTiles.CHAINS; chain++) {
      int x = tile + chain * perChain * DotTiles.TOKENS * Lanes.COUNT;
      int w = chain * perChain * DotTiles.ROWS * Lanes.COUNT;
      for (int group = 0; group < groups; group++) {
        DotTiles.tile(
            tokens,
            x,
            panel,
            group * weights.floats() + w,
            perChain,
            sums,
            (group * DotTiles.CHAINS + chain) * CHAIN_SUMS);
      }
    }
  }

  /// The outputs of token `t` of a tile.
  private void reduce(int rows, int t) {
    for (int i = 0; i < rows; i++) {
      int tile = i / DotTiles.ROWS * DotTiles.CHAINS * CHAIN_SUMS;
      int within = (t * DotTiles.ROWS + i % DotTiles.ROWS) * Lanes.COUNT;
      outputs[i] = DotTiles.reduce(sums, tile + within, CHAIN_SUMS);
    }
  }

  private static float[] ensure(float[] array, int length) {
    return array.length >= length ? array : new float[length];
  }
}
