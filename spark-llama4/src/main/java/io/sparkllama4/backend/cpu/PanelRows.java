package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.Span;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.Panels;
import io.sparkllama4.tensor.Quantization;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/// Up to 16 rows of a stored matrix on their way into a panel. One instance per thread.
final class PanelRows {
  private static final int ROWS = Panels.ROWS;

  /// Inputs of a tile that is turned over at once: it stays in the first cache.
  private static final int TILE = 16;

  /// The first input of the source that is read.
  private final int begin;

  private final int columns;

  /// `[inputs][16]`, zeros where the matrix has no such row or input: what stands side by side in a
  /// panel does so here.
  private final float[] weights;

  /// As many inputs as any form rounds up to.
  private final int padded;

  /// `[16][16]`, a tile as it is stored.
  private final float[] tile = new float[ROWS * TILE];

  /// @param inputs those of the source that are read
  PanelRows(Span inputs) {
    this.begin = inputs.first();
    this.columns = inputs.count();
    this.padded = (int) Panels.roundUp(columns, WeightForm.INT4_GROUP_128.group());
    this.weights = new float[ROWS * padded];
  }

  /// Reads rows `first` up to `first + count` as floats.
  void read(Matrix source, long first, int count) {
    if (count < ROWS) {
      Arrays.fill(weights, 0);
    }
    DType dtype = source.values().dtype();
    boolean isPlain = dtype.isWideFloat();
    if (isPlain && source.order() == Matrix.Order.INPUT_MAJOR) {
      readInputs(source, first, count);
    } else {
      for (int from = 0; from < columns; from += TILE) {
        readTile(source, isPlain, first, count, from);
      }
    }
  }

  private void readInputs(Matrix source, long first, int count) {
    DType dtype = source.values().dtype();
    MemorySegment data = source.values().data();
    for (int i = 0; i < columns; i++) {
      long at = (long) (begin + i) * source.rows() + first;
      if (dtype == DType.BF16 && count == ROWS) {
        readBfloat16(data, 2 * at, i * ROWS);
      } else {
        for (int lane = 0; lane < count; lane++) {
          weights[i * ROWS + lane] = Elements.decode(data, dtype, at + lane);
        }
      }
    }
  }

  private void readBfloat16(MemorySegment data, long offset, int at) {
    for (int lane = 0; lane < ROWS; lane += Lanes.COUNT) {
      Lanes.bfloat16(data, offset + 2L * lane).intoArray(weights, at + lane);
    }
  }

  /// Reads inputs `from` up to `from + TILE` of all rows: along the rows, which is how they lie.
  private void readTile(Matrix source, boolean isPlain, long first, int count, int from) {
    DType dtype = source.values().dtype();
    MemorySegment data = source.values().data();
    int end = Math.min(TILE, columns - from);
    for (int lane = 0; lane < count; lane++) {
      long at = (first + lane) * source.columns() + begin + from;
      if (dtype == DType.BF16 && end == TILE) {
        for (int i = 0; i < TILE; i += Lanes.COUNT) {
          Lanes.bfloat16(data, 2 * (at + i)).intoArray(tile, lane * TILE + i);
        }
      } else {
        for (int i = 0; i < end; i++) {
          tile[lane * TILE + i] =
              isPlain
                  ? Elements.decode(data, dtype, at + i)
                  : source.weight(first + lane, begin + from + i);
        }
      }
    }
    for (int i = 0; i < end; i++) {
      for (int lane = 0; lane < count; lane++) {
        weights[(from + i) * ROWS + lane] = tile[lane * TILE + i];
      }
    }
  }

  /// Writes what was read as plain values.
  void write(DType dtype, Tensor panel) {
    MemorySegment data = panel.data();
    for (int i = 0; i < columns; i++) {
      for (int lane = 0; lane < ROWS; lane++) {
        float weight = weights[i * ROWS + lane];
        long at = Panels.index(dtype, lane, i);
        switch (dtype) {
          case F32 -> data.set(Elements.FLOAT, 4 * at, weight);
          case BF16 -> data.set(Elements.SHORT, 2 * at, Elements.toBfloat16(weight));
          case F16 -> data.set(Elements.SHORT, 2 * at, Float.floatToFloat16(weight));
          default -> throw new IllegalArgumentException("No plain weights of [" + dtype + "]");
        }
      }
    }
  }

  /// A scale per row.
  interface RowScale {
    float of(int lane);
  }

  /// 8-bit floats as they are. Kernels know no NaN among them: a row that has one gets a NaN as its
  /// scale, which makes its outputs what they would be.
  void copyFloat8(
      Matrix source, long first, int count, Tensor panel, RowScale stored, Tensor scales) {
    MemorySegment from = source.values().data();
    byte[] stand = new byte[ROWS * TILE];
    byte[] turned = new byte[ROWS * TILE];
    boolean[] odd = new boolean[ROWS];
    for (int tile = 0; tile < columns; tile += TILE) {
      int inputs = Math.min(TILE, columns - tile);
      for (int lane = 0; lane < count; lane++) {
        long at = (first + lane) * source.columns() + begin + tile;
        MemorySegment.copy(from, ValueLayout.JAVA_BYTE, at, stand, lane * TILE, inputs);
        boolean isOdd = false;
        for (int i = 0; i < inputs; i++) {
          byte code = stand[lane * TILE + i];
          isOdd |= (code & 0x7f) == 0x7f;
          turned[i * ROWS + lane] = code;
        }
        odd[lane] |= isOdd;
      }
      MemorySegment.copy(
          turned, 0, panel.data(), ValueLayout.JAVA_BYTE, (long) tile * ROWS, inputs * ROWS);
    }
    for (int lane = 0; lane < count; lane++) {
      scales.set(lane, odd[lane] ? Float.NaN : stored.of(lane));
    }
  }

  /// Stored nibbles in the order of a panel's words. The inputs begin with a word.
  void copyInt4(Matrix source, long first, int count, Tensor panel) {
    long stride = Matrix.wordsPerRow(source.columns());
    long words = Matrix.wordsPerRow(columns);
    for (int lane = 0; lane < count; lane++) {
      long start = (first + lane) * stride + begin / 8;
      for (long word = 0; word < words; word++) {
        int stored = source.values().intAt(start + word);
        long inputs = columns - 8 * word;
        if (inputs < 8) {
          // Nibbles behind the last column may be anything; 8 stands for 0.
          int known = (1 << (4 * (int) inputs)) - 1;
          stored = (stored & known) | (0x88888888 & ~known);
        }
        panel.set(word * ROWS + lane, panelOrder(stored));
      }
    }
  }

  /// Eight nibbles, the lowest first, as [Panels#nibbleShift] places them.
  private static int panelOrder(int stored) {
    return Integer.expand(stored, 0x0f0f0f0f) | Integer.expand(stored >>> 16, 0xf0f0f0f0);
  }

  /// Stored scales `[rows, groups]` as `[groups][16]`.
  ///
  /// @param group inputs of a group in the panel, which divides those of a stored one
  void copyScales(Matrix source, int group, long first, int count, Tensor panel) {
    var quantization = (Quantization.Int4PerGroup) source.quantization();
    Tensor stored = quantization.scales();
    long stride = stored.rowElements();
    long groups = Math.ceilDiv(columns, group);
    for (int lane = 0; lane < count; lane++) {
      for (long g = 0; g < groups; g++) {
        long from = (begin + g * group) / quantization.group();
        float scale = stored.decode((first + lane) * stride + from);
        long at = g * ROWS + lane;
        if (panel.dtype() == DType.BF16) {
          panel.data().set(Elements.SHORT, 2 * at, Elements.toBfloat16(scale));
        } else {
          panel.set(at, scale);
        }
      }
    }
  }

  /// Writes what was read as 8-bit integers: `scale = max |w| / 127`.
  ///
  /// @param scales F32 `[16]`
  void quantizeInt8(Tensor panel, Tensor scales) {
    float[] inverses = new float[ROWS];
    for (int lane = 0; lane < ROWS; lane += Lanes.COUNT) {
      LaneQuantizer.largest(weights, lane, columns).intoArray(inverses, lane);
    }
    for (int lane = 0; lane < ROWS; lane++) {
      float most = inverses[lane];
      scales.set(lane, most / 127);
      inverses[lane] = QuantizedRow.inverse(127, most);
    }
    for (int lane = 0; lane < ROWS; lane += Lanes.COUNT) {
      FloatVector inverse = FloatVector.fromArray(Lanes.FLOATS, inverses, lane);
      int inputs = (int) Panels.roundUp(columns, Panels.INT8_GROUP);
      LaneQuantizer.writeInt8(weights, lane, inputs, inverse, panel.data());
    }
  }

  /// Writes what was read as 4-bit integers with a brain float scale per group.
  ///
  /// @param scales BF16 `[groups, 16]`
  void quantizeInt4(int group, Tensor panel, Tensor scales) {
    float[] scale = new float[ROWS];
    float[] inverse = new float[ROWS];
    long end = Panels.roundUp(columns, group);
    for (int from = 0; from < end; from += group) {
      LaneQuantizer.groupScales(weights, from, group, scale);
      for (int lane = 0; lane < ROWS; lane++) {
        long at = (long) from / group * ROWS + lane;
        scales.data().set(Elements.SHORT, 2 * at, Elements.toBfloat16(scale[lane]));
        inverse[lane] = scale[lane] == 0 ? 0 : 1 / scale[lane];
      }
      for (int lane = 0; lane < ROWS; lane += Lanes.COUNT) {
        FloatVector inverses = FloatVector.fromArray(Lanes.FLOATS, inverse, lane);
        LaneQuantizer.writeInt4(weights, lane, from, from + group, inverses, panel.data());
      }
    }
  }
}
