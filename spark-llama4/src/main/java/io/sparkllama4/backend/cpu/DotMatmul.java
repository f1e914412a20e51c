package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.Matrix;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// Products with matrices stored `[outputs, inputs]`, of any stored form. One instance per thread:
/// it owns that thread's scratch arrays.
final class DotMatmul {
  /// Unpacked weights of a task: some of a core's second-level cache, so that they stay there while
  /// all tokens pass.
  private static final int PANEL_FLOATS = 48 * 1024;

  /// Tiles of tokens that meet a group of rows in turn: a chain of them, and of the group, fits a
  /// first-level cache for up to some 2,000 inputs.
  private static final int BLOCK = 4;

  /// Floats of one chain of a tile.
  private static final int CHAIN_SUMS = DotTiles.TOKENS * DotTiles.ROWS * Lanes.COUNT;

  private static final float[] NO_TAIL = {};

  private float[] row = new float[0];
  private float[] panel = new float[0];
  private float[] sums = new float[0];
  private float[] outputs = new float[0];
  private Pieces layout = new Pieces(0, false, 1, false);
  private int[] places = {};

  /// True of runs of tokens that pass the weights one by one; longer ones are packed.
  static boolean streams(int tokens) {
    return tokens < DotTiles.TOKENS;
  }

  /// Outputs that a task of many tokens should have.
  static int rowsPerTask(long inputs) {
    int rows = (int) Math.max(8 * DotTiles.ROWS, PANEL_FLOATS / Math.max(1, inputs));
    return rows - rows % DotTiles.ROWS;
  }

  /// Few tokens: rows are read in two streams, or one after the other, and meet all tokens while
  /// they are in cache.
  ///
  /// @param tokens packed one by one, of which the task's begin at `tokenOffset`
  void stream(MatmulTask task, float[] tokens, int tokenOffset) {
    Matrix matrix = task.part().weight();
    boolean inPlace = WeightRows.interleaves(matrix);
    Pieces pieces = new Pieces(task.inputs(), inPlace, 1, false);
    int rows = task.rows();
    row = ensure(row, pieces.padded());
    outputs = ensure(outputs, task.tokens() * rows);
    int whole = task.inputs() - task.inputs() % (DotTiles.CHAINS * Lanes.COUNT);
    boolean hasTail = whole < task.inputs();
    MemorySegment data = matrix.values().data();
    int pairs = inPlace && !hasTail ? rows / 2 : 0;
    for (int i = 0; i < pairs; i++) {
      long first = 2 * (task.firstRow() + i) * task.inputs();
      for (int t = 0; t < task.tokens(); t++) {
        int x = tokenOffset + t * pieces.padded();
        int at = t * rows + i;
        DotTiles.streamPair(tokens, x, data, first, pairs, whole, outputs, at);
      }
    }
    for (int i = 2 * pairs; i < rows; i++) {
      if (!inPlace || hasTail) {
        WeightRows.unpack(matrix, task.firstRow() + i, pieces, placesOf(pieces), row, 0);
      }
      float[] tail = hasTail ? Arrays.copyOfRange(row, whole, pieces.padded()) : NO_TAIL;
      for (int t = 0; t < task.tokens(); t++) {
        int x = tokenOffset + t * pieces.padded();
        outputs[t * rows + i] =
            inPlace
                ? DotTiles.streamBfloat16(
                    tokens, x, data, 2 * (task.firstRow() + i) * task.inputs(), whole, tail)
                : DotTiles.streamFloat(tokens, x, row, pieces.padded());
      }
    }
    for (int t = 0; t < task.tokens(); t++) {
      task.put(task.firstToken() + t, task.firstRow(), outputs, t * rows, rows);
    }
  }

  /// The places of a layout's inputs; tasks of one product share a layout.
  private int[] placesOf(Pieces pieces) {
    if (!pieces.equals(layout)) {
      layout = pieces;
      places = pieces.places();
    }
    return places;
  }

  /// Many tokens: weights are unpacked once and all tokens pass them, some at a time.
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
    int tileSums = groups * DotTiles.CHAINS * CHAIN_SUMS;
    sums = ensure(sums, BLOCK * tileSums);
    outputs = ensure(outputs, rows);
    int[] at = placesOf(weights);
    for (int i = 0; i < rows; i++) {
      // Rows that the last group lacks hold whatever was there; their sums are never read.
      int offset = i / DotTiles.ROWS * weights.floats() + i % DotTiles.ROWS * Lanes.COUNT;
      WeightRows.unpack(matrix, task.firstRow() + i, weights, at, panel, offset);
    }
    int tiles = Math.ceilDiv(task.tokens(), DotTiles.TOKENS);
    for (int block = 0; block < tiles; block += BLOCK) {
      int count = Math.min(BLOCK, tiles - block);
      multiply(tokens, tokenOffset + block * tileFloats, count, groups, weights);
      for (int i = 0; i < count; i++) {
        int first = (block + i) * DotTiles.TOKENS;
        for (int t = 0; t < Math.min(DotTiles.TOKENS, task.tokens() - first); t++) {
          reduce(rows, i * tileSums, t);
          task.put(task.firstToken() + first + t, task.firstRow(), outputs, 0, rows);
        }
      }
    }
  }

  /// Some tiles of tokens, `tile` being the first, with all groups of rows. Chain after chain, so
  /// that a chain of the tokens, and of a group while the tokens meet it, are in the first-level
  /// cache.
  private void multiply(float[] tokens, int tile, int tiles, int groups, Pieces weights) {
    int perChain = weights.perChain();
    int tileFloats = weights.padded() * DotTiles.TOKENS;
    int tileSums = groups * DotTiles.CHAINS * CHAIN_SUMS;
    for (int chain = 0; chain < DotTiles.CHAINS; chain++) {
      int x = tile + chain * perChain * DotTiles.TOKENS * Lanes.COUNT;
      for (int group = 0; group < groups; group++) {
        int w = group * weights.floats() + chain * perChain * DotTiles.ROWS * Lanes.COUNT;
        int y = (group * DotTiles.CHAINS + chain) * CHAIN_SUMS;
        for (int i = 0; i < tiles; i++) {
          int from = x + i * tileFloats;
          DotTiles.tile(tokens, from, panel, w, perChain, sums, y + i * tileSums);
        }
      }
    }
  }

  /// The outputs of token `t` of a tile.
  private void reduce(int rows, int offset, int t) {
    for (int i = 0; i < rows; i++) {
      int tile = i / DotTiles.ROWS * DotTiles.CHAINS * CHAIN_SUMS;
      int within = (t * DotTiles.ROWS + i % DotTiles.ROWS) * Lanes.COUNT;
      outputs[i] = DotTiles.reduce(sums, offset + tile + within, CHAIN_SUMS);
    }
  }

  private static float[] ensure(float[] array, int length) {
    return array.length >= length ? array : new float[length];
  }
}
