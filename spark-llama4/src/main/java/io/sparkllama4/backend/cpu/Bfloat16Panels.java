package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.Span;
import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.Panels;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/// Brings stored brain floats into panels as they are: two inputs of a row make one word.
final class Bfloat16Panels {
  private static final int ROWS = Panels.ROWS;

  /// Panels that are written side by side where rows of the source cross them: so many that whole
  /// cache lines are read, so few that their ends all stay in the first cache.
  private static final int PANELS = 8;

  /// Words of a row that are turned over at once.
  private static final int TILE = 16;

  private final MemorySegment from;
  private final long rows;
  /// The first input that is copied, and how many are.
  private final int firstInput;

  private final int columns;

  /// Inputs of a stored row.
  private final long stride;
  private final boolean byInput;
  private final Tensor panels;

  /// @param inputs those of the source that are copied
  /// @param panels values of all panels
  Bfloat16Panels(Matrix source, Span inputs, Tensor panels) {
    this.from = source.values().data();
    this.rows = source.rows();
    this.firstInput = inputs.first();
    this.columns = inputs.count();
    this.stride = source.columns();
    this.byInput = source.order() == Matrix.Order.INPUT_MAJOR;
    this.panels = panels;
  }

  /// Writes the panels from `panel` on that rows `first` up to `end` of the source make.
  void copy(long first, long end, long panel) {
    long row = first;
    long target = panel;
    int[] tile = new int[ROWS * TILE];
    while (end - row >= ROWS) {
      int count = byInput ? (int) Math.min(PANELS, (end - row) / ROWS) : 1;
      if (byInput) {
        copyInputs(row, count, target);
      } else {
        copyRows(row, panels.row(target).data(), tile);
      }
      row += (long) count * ROWS;
      target += count;
    }
    if (row < end) {
      copySome(row, (int) (end - row), panels.row(target).data(), 0);
    }
  }

  private void copyInputs(long first, int count, long panel) {
    MemorySegment to = panels.rows(panel, count).data();
    long panelBytes = to.byteSize() / count;
    for (int i = 0; i + 1 < columns; i += 2) {
      long low = 2 * ((firstInput + i) * rows + first);
      copyPair(low, low + 2 * rows, to, 2L * ROWS * i, panelBytes);
    }
    if (columns % 2 == 1) {
      for (int p = 0; p < count; p++) {
        copySome(first + (long) p * ROWS, ROWS, panels.row(panel + p).data(), columns - 1);
      }
    }
  }

  /// Two inputs of all rows of the panels in `to`.
  private void copyPair(long low, long high, MemorySegment to, long offset, long panelBytes) {
    long read = 0;
    for (long at = offset; at < to.byteSize(); at += panelBytes) {
      for (int lane = 0; lane < ROWS; lane += Lanes.COUNT) {
        IntVector first = Lanes.bfloat16(from, low + read).reinterpretAsInts();
        IntVector second = Lanes.bfloat16(from, high + read).reinterpretAsInts();
        first
            .lanewise(VectorOperators.LSHR, 16)
            .or(second)
            .intoMemorySegment(to, at + 4L * lane, ByteOrder.LITTLE_ENDIAN);
        read += 2L * Lanes.COUNT;
      }
    }
  }

  private void copyRows(long first, MemorySegment to, int[] tile) {
    int words = columns / 2;
    int whole = words / TILE * TILE;
    for (int word = 0; word < whole; word += TILE) {
      for (int lane = 0; lane < ROWS; lane++) {
        long at = 2 * ((first + lane) * stride + firstInput + 2L * word);
        for (int i = 0; i < TILE; i++) {
          tile[i * ROWS + lane] = from.get(Elements.INT, at + 4L * i);
        }
      }
      for (int i = 0; i < tile.length; i += Lanes.COUNT) {
        IntVector.fromArray(Lanes.INTS, tile, i)
            .intoMemorySegment(to, 4L * (word * ROWS + i), ByteOrder.LITTLE_ENDIAN);
      }
    }
    copySome(first, ROWS, to, 2 * whole);
  }

  /// Inputs from `begin`, an even one, of up to 16 rows, one by one.
  private void copySome(long first, int count, MemorySegment to, int begin) {
    for (int i = begin; i < columns; i += 2) {
      for (int lane = 0; lane < count; lane++) {
        long low =
            byInput
                ? (firstInput + i) * rows + first + lane
                : (first + lane) * stride + firstInput + i;
        long high = byInput ? low + rows : low + 1;
        int word = from.get(Elements.SHORT, 2 * low) & 0xffff;
        if (i + 1 < columns) {
          word |= from.get(Elements.SHORT, 2 * high) << 16;
        }
        to.set(Elements.INT, 4L * (i / 2 * ROWS + lane), word);
      }
    }
  }
}
