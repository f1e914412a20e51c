package io.sparkllama4.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.backend.MatrixBlock;
import io.sparkllama4.backend.Span;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Panels;
import io.sparkllama4.tensor.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What is packed by vectors against the definition in plain loops, to the bit.
class PanelPackerTest {
  private static final List<Integer> ROWS = List.of(1, 16, 37, 150);
  private static final List<Integer> INPUTS = List.of(1, 2, 7, 31, 32, 33, 64, 101, 208);

  private interface Check {
    void check(Matrix stored, Matrix packed, int first);
  }

  /// Packs rows from `first` on, so that panels do not begin where the stored matrix does.
  private static void each(RandomTensors.Form stored, WeightForm form, Check check) {
    try (NativeArena arena = new NativeArena();
        CpuPool pool = new CpuPool(2)) {
      PanelPacker packer = new PanelPacker(pool, arena);
      for (int rows : ROWS) {
        for (int inputs : INPUTS) {
          RandomTensors random = new RandomTensors(1000L * rows + inputs, arena);
          Matrix source = random.matrix(stored, rows, inputs);
          int first = rows / 3;
          check.check(source, packer.pack(source, first, rows, form), first);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(RandomTensors.Form.class)
  void storedWeightsStayTheSame(RandomTensors.Form stored) {
    each(
        stored,
        WeightForm.STORED,
        (source, packed, first) -> {
          for (int row = 0; row < packed.rows(); row++) {
            for (int i = 0; i < source.columns(); i++) {
              assertThat(packed.weight(row, i))
                  .as("[%d, %d], row %d, input %d", source.rows(), source.columns(), row, i)
                  .isEqualTo(source.weight(first + row, i));
            }
          }
        });
  }

  /// Parts that ranks hold, at borders of words, groups and panels, and between them.
  @ParameterizedTest
  @EnumSource(RandomTensors.Form.class)
  void partsOfStoredWeightsStayTheSame(RandomTensors.Form stored) {
    try (NativeArena arena = new NativeArena();
        CpuPool pool = new CpuPool(2)) {
      Matrix source = new RandomTensors(11, arena).matrix(stored, 50, 300);
      PanelPacker packer = new PanelPacker(pool, arena);
      for (Span rows : List.of(new Span(0, 50), new Span(16, 32), new Span(7, 30))) {
        for (int[] inputs :
            new int[][] {{0, 128}, {128, 300}, {32, 64}, {64, 112}, {8, 299}, {5, 6}, {13, 300}}) {
          Span columns = new Span(inputs[0], inputs[1]);
          Matrix packed = packer.pack(new MatrixBlock(source, rows, columns), WeightForm.STORED);
          assertThat(packed.rows()).isEqualTo(rows.count());
          assertThat(packed.columns()).isEqualTo(columns.count());
          for (int row = 0; row < rows.count(); row++) {
            for (int i = 0; i < columns.count(); i++) {
              assertThat(packed.weight(row, i))
                  .as("rows %s, columns %s, row %d, input %d", rows, columns, row, i)
                  .isEqualTo(source.weight(rows.first() + row, columns.first() + i));
            }
          }
        }
      }
    }
  }

  /// What is quantised is quantised as if the part were a matrix of its own.
  @ParameterizedTest
  @EnumSource(RandomTensors.Form.class)
  void partsAreQuantisedByThemselves(RandomTensors.Form stored) {
    try (NativeArena arena = new NativeArena();
        CpuPool pool = new CpuPool(1)) {
      Matrix source = new RandomTensors(12, arena).matrix(stored, 40, 150);
      Span rows = new Span(3, 37);
      Span columns = new Span(24, 101);
      Tensor copy = arena.allocate(DType.F32, rows.count(), columns.count());
      for (int row = 0; row < rows.count(); row++) {
        for (int i = 0; i < columns.count(); i++) {
          float weight = source.weight(rows.first() + row, columns.first() + i);
          copy.set((long) row * columns.count() + i, weight);
        }
      }
      PanelPacker packer = new PanelPacker(pool, arena);
      for (WeightForm form : List.of(WeightForm.INT8, WeightForm.INT4)) {
        Matrix part = packer.pack(new MatrixBlock(source, rows, columns), form);
        Matrix whole = packer.pack(Matrix.of(copy), 0, rows.count(), form);
        assertThat(part.values().data().mismatch(whole.values().data())).isEqualTo(-1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(RandomTensors.Form.class)
  void eightBitsAreTheNearestToTheLargestOfTheRow(RandomTensors.Form stored) {
    each(
        stored,
        WeightForm.INT8,
        (source, packed, first) -> {
          for (int row = 0; row < packed.rows(); row++) {
            float most = 0;
            for (int i = 0; i < source.columns(); i++) {
              most = Math.max(most, Math.abs(source.weight(first + row, i)));
            }
            assertThat(Panels.scale(packed, row, 0)).isEqualTo(most / 127);
            float inverse = QuantizedRow.inverse(127, most);
            for (int i = 0; i < source.columns(); i++) {
              assertThat(Panels.code(packed, row, i))
                  .isEqualTo((int) Math.rint(source.weight(first + row, i) * inverse));
            }
          }
        });
  }

  @ParameterizedTest
  @EnumSource(RandomTensors.Form.class)
  void fourBitsTakeTheBetterOfTwoScales(RandomTensors.Form stored) {
    for (WeightForm form : List.of(WeightForm.INT4, WeightForm.INT4_GROUP_128)) {
      each(
          stored,
          form,
          (source, packed, first) -> {
            for (int row = 0; row < packed.rows(); row++) {
              for (int from = 0; from < source.columns(); from += form.group()) {
                checkGroup(source, first + row, packed, row, from, form.group());
              }
            }
          });
    }
  }

  private static void checkGroup(
      Matrix source, int stored, Matrix packed, int row, int from, int group) {
    int end = (int) Math.min(from + group, source.columns());
    float largest = 0;
    for (int i = from; i < end; i++) {
      float weight = source.weight(stored, i);
      largest = Math.abs(weight) > Math.abs(largest) ? weight : largest;
    }
    float whole = Elements.bfloat16(Elements.toBfloat16(largest / -8));
    float even = Elements.bfloat16(Elements.toBfloat16(Math.abs(largest) / 7));
    boolean isWhole =
        error(source, stored, from, end, whole) <= error(source, stored, from, end, even);
    float scale = isWhole ? whole : even;
    assertThat(Panels.scale(packed, row, from)).isEqualTo(scale);
    for (int i = from; i < end; i++) {
      assertThat(Panels.code(packed, row, i)).isEqualTo(code(source.weight(stored, i), scale));
    }
  }

  private static int code(float weight, float scale) {
    return scale == 0 ? 0 : (int) Math.clamp(Math.rint(weight * (1 / scale)), -8, 7);
  }

  private static float error(Matrix source, int row, int from, int end, float scale) {
    float sum = 0;
    for (int i = from; i < end; i++) {
      float difference = source.weight(row, i) - code(source.weight(row, i), scale) * scale;
      sum += difference * difference;
    }
    return sum;
  }

  @Test
  void rowsOfZerosAreZerosInEveryForm() {
    try (NativeArena arena = new NativeArena();
        CpuPool pool = new CpuPool(1)) {
      Matrix zeros = Matrix.of(arena.allocate(DType.F32, 20, 40));
      for (WeightForm form : WeightForm.values()) {
        Matrix packed = new PanelPacker(pool, arena).pack(zeros, 0, 20, form);
        for (int i = 0; i < 40; i++) {
          assertThat(packed.weight(19, i)).as("%s", form).isZero();
        }
      }
    }
  }
}
