package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.MatrixBlock;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.Panels;
import io.sparkllama4.tensor.Quantization;
import io.sparkllama4.tensor.Tensor;
import io.sparkllama4.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;

/// Brings stored matrices into panels, in the form that is asked for, with all threads.
final class PanelPacker {
  private final CpuPool pool;
  private final Allocator memory;

  PanelPacker(CpuPool pool, Allocator memory) {
    this.pool = pool;
    this.memory = memory;
  }

  /// What becomes of a stored matrix in panels.
  private enum Packing {
    PLAIN,
    FLOAT8,
    STORED_INT4,
    INT8,
    INT4
  }

  private static Packing packing(MatrixBlock block, WeightForm form) {
    return switch (form) {
      case INT8 -> Packing.INT8;
      case INT4, INT4_GROUP_128 -> Packing.INT4;
      case BF16 -> Packing.PLAIN;
      case STORED, EXACT ->
          switch (block.source().quantization()) {
            case Quantization.None _ -> Packing.PLAIN;
            case Quantization.Fp8PerRow _ -> Packing.FLOAT8;
            // Words that hold inputs of two groups are widened.
            case Quantization.Int4PerGroup _ ->
                block.storedGroup() > 0 ? Packing.STORED_INT4 : Packing.PLAIN;
            case Quantization.Int8PerRow _ ->
                throw new IllegalStateException("No checkpoint stores 8-bit integers");
          };
    };
  }

  /// The type of plain weights.
  private static DType plainType(Matrix source, WeightForm form) {
    return switch (form) {
      case BF16 -> DType.BF16;
      case STORED, EXACT ->
          source.quantization() instanceof Quantization.None ? source.values().dtype() : DType.F32;
      case INT8, INT4, INT4_GROUP_128 -> throw new IllegalArgumentException(form.label());
    };
  }

  /// The tensors of a part of a stored matrix: values, and scales where there are any.
  static List<TensorSpec> plan(MatrixBlock block, WeightForm form) {
    Matrix source = block.source();
    int columns = block.columns().count();
    long panels = Panels.count(block.rows().count());
    return switch (packing(block, form)) {
      case PLAIN -> List.of(values(plainType(source, form), columns, panels, 0));
      case FLOAT8 ->
          List.of(
              values(DType.F8_E4M3, columns, panels, 0),
              TensorSpec.of(DType.F32, panels * Panels.ROWS));
      case STORED_INT4 -> {
        var stored = (Quantization.Int4PerGroup) source.quantization();
        int group = block.storedGroup();
        DType dtype = stored.scales().dtype() == DType.BF16 ? DType.BF16 : DType.F32;
        yield List.of(
            values(DType.I32, columns, panels, group),
            TensorSpec.of(dtype, panels, groups(columns, group), Panels.ROWS));
      }
      case INT8 ->
          List.of(
              values(DType.U8, columns, panels, 0), TensorSpec.of(DType.F32, panels * Panels.ROWS));
      case INT4 ->
          List.of(
              values(DType.I32, columns, panels, form.group()),
              TensorSpec.of(DType.BF16, panels, groups(columns, form.group()), Panels.ROWS));
    };
  }

  private static long groups(long columns, int group) {
    return (columns + group - 1) / group;
  }

  private static TensorSpec values(DType dtype, long columns, long panels, int group) {
    return TensorSpec.of(dtype, panels, Panels.elements(dtype, columns, group));
  }

  /// Rows `first` up to `end` of a stored matrix.
  Matrix pack(Matrix source, long first, long end, WeightForm form) {
    return pack(MatrixBlock.ofRows(source, first, end), form);
  }

  /// A part of a stored matrix.
  Matrix pack(MatrixBlock block, WeightForm form) {
    List<Tensor> made = new ArrayList<>();
    plan(block, form).forEach(spec -> made.add(memory.allocate(spec)));
    Tensor values = made.getFirst();
    Tensor scales = made.getLast();
    Packing packing = packing(block, form);
    if (!memory.isFilled()) {
      fill(block, filler(packing, form, block, values, scales));
    }
    Quantization quantization =
        switch (packing) {
          case PLAIN -> Quantization.NONE;
          case FLOAT8 -> new Quantization.Fp8PerRow(scales);
          case STORED_INT4 -> new Quantization.Int4PerGroup(scales, block.storedGroup(), false);
          case INT8 -> new Quantization.Int8PerRow(scales);
          case INT4 -> new Quantization.Int4PerGroup(scales, form.group(), true);
        };
    return new Matrix(
        block.rows().count(), block.columns().count(), Matrix.Order.PANELS, values, quantization);
  }

  /// Writes one panel from `count` rows of the source from `first` on.
  private interface Encoder {
    void encode(PanelRows rows, long first, int count, long panel);
  }

  /// Writes panels from `panel` on from rows `first` up to `end` of the source.
  private interface Filler {
    void fill(PanelRows rows, long first, long end, long panel);

    static Filler ofPanels(Encoder encoder) {
      return (rows, first, end, panel) -> {
        long next = panel;
        for (long row = first; row < end; row += Panels.ROWS) {
          encoder.encode(rows, row, (int) Math.min(Panels.ROWS, end - row), next++);
        }
      };
    }
  }

  private static Filler filler(
      Packing packing, WeightForm form, MatrixBlock block, Tensor values, Tensor scales) {
    Matrix source = block.source();
    boolean isCopy =
        packing == Packing.PLAIN
            && values.dtype() == DType.BF16
            && source.values().dtype() == DType.BF16
            && source.quantization() instanceof Quantization.None;
    if (isCopy) {
      Bfloat16Panels panels = new Bfloat16Panels(source, block.columns(), values);
      return (rows, first, end, panel) -> panels.copy(first, end, panel);
    }
    return Filler.ofPanels(encoder(packing, form, block, values, scales));
  }

  private static Encoder encoder(
      Packing packing, WeightForm form, MatrixBlock block, Tensor values, Tensor scales) {
    Matrix source = block.source();
    return switch (packing) {
      case PLAIN ->
          (rows, first, count, panel) -> {
            rows.read(source, first, count);
            rows.write(values.dtype(), values.row(panel));
          };
      case FLOAT8 -> {
        Tensor stored = ((Quantization.Fp8PerRow) source.quantization()).scales();
        yield (rows, first, count, panel) ->
            rows.copyFloat8(
                source,
                first,
                count,
                values.row(panel),
                lane -> stored.decode(first + lane),
                scales.rows(panel * Panels.ROWS, Panels.ROWS));
      }
      case STORED_INT4 -> {
        int group = block.storedGroup();
        yield (rows, first, count, panel) -> {
          rows.copyInt4(source, first, count, values.row(panel));
          rows.copyScales(source, group, first, count, scales.row(panel));
        };
      }
      case INT8 ->
          (rows, first, count, panel) -> {
            rows.read(source, first, count);
            rows.quantizeInt8(values.row(panel), scales.rows(panel * Panels.ROWS, Panels.ROWS));
          };
      case INT4 ->
          (rows, first, count, panel) -> {
            rows.read(source, first, count);
            rows.quantizeInt4(form.group(), values.row(panel), scales.row(panel));
          };
    };
  }

  private void fill(MatrixBlock block, Filler filler) {
    long first = block.rows().first();
    long end = block.rows().end();
    int panels = Math.toIntExact(Panels.count(end - first));
    int tasks = Math.min(panels, 8 * pool.threads());
    PanelRows[] scratch = new PanelRows[pool.threads()];
    pool.run(
        tasks,
        (task, worker) -> {
          if (scratch[worker] == null) {
            scratch[worker] = new PanelRows(block.columns());
          }
          long panel = (long) task * panels / tasks;
          long to = first + (task + 1L) * panels / tasks * Panels.ROWS;
          filler.fill(scratch[worker], first + panel * Panels.ROWS, Math.min(to, end), panel);
        });
  }
}
