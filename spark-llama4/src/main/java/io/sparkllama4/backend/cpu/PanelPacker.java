package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.Panels;
import io.sparkllama4.tensor.Quantization;
import io.sparkllama4.tensor.Tensor;

/// Brings stored matrices into panels, in the form that is asked for, with all threads.
final class PanelPacker {
  /// Inputs that share a scale where this packer chooses: fewer cost more scales, more lose
  /// precision.
  static final int INT4_GROUP = 32;

  private final CpuPool pool;
  private final Allocator memory;

  PanelPacker(CpuPool pool, Allocator memory) {
    this.pool = pool;
    this.memory = memory;
  }

  /// What one panel is made of: rows `first` up to `first + count` of the source.
  ///
  /// @param panel the index of the panel in the target
  private record Slice(Matrix source, long first, int count, long panel) {}

  private interface Encoder {
    void encode(Slice slice, PanelRows rows);
  }

  /// Rows `first` up to `end` of a stored matrix.
  Matrix pack(Matrix source, long first, long end, WeightForm form) {
    return switch (form) {
      case INT8 -> int8(source, first, end);
      case INT4 -> int4(source, first, end);
      case BF16 -> plain(source, first, end, DType.BF16);
      case STORED ->
          switch (source.quantization()) {
            case Quantization.None _ -> plain(source, first, end, source.values().dtype());
            case Quantization.Fp8PerRow(Tensor scales) -> fp8(source, scales, first, end);
            case Quantization.Int4PerGroup(Tensor scales, int group, _) when group % 8 == 0 ->
                storedInt4(source, scales, group, first, end);
            // Words that hold inputs of two groups are widened.
            case Quantization.Int4PerGroup _ -> plain(source, first, end, DType.F32);
            case Quantization.Int8PerRow _ ->
                throw new IllegalStateException("No checkpoint stores 8-bit integers");
          };
    };
  }

  private Tensor values(DType dtype, Matrix source, long rows, int group) {
    long panels = Panels.count(rows);
    return memory.allocate(dtype, panels, Panels.elements(dtype, source.columns(), group));
  }

  private void run(Matrix source, long first, long end, Encoder encoder) {
    int panels = Math.toIntExact(Panels.count(end - first));
    int columns = Math.toIntExact(source.columns());
    int tasks = Math.min(panels, 8 * pool.threads());
    PanelRows[] scratch = new PanelRows[pool.threads()];
    pool.run(
        tasks,
        (task, worker) -> {
          if (scratch[worker] == null) {
            scratch[worker] = new PanelRows(columns);
          }
          long to = (task + 1L) * panels / tasks;
          for (long panel = (long) task * panels / tasks; panel < to; panel++) {
            long row = first + panel * Panels.ROWS;
            int count = (int) Math.min(Panels.ROWS, end - row);
            encoder.encode(new Slice(source, row, count, panel), scratch[worker]);
          }
        });
  }

  private Matrix plain(Matrix source, long first, long end, DType dtype) {
    Tensor values = values(dtype, source, end - first, 0);
    boolean isCopy =
        dtype == DType.BF16
            && source.values().dtype() == DType.BF16
            && source.quantization() instanceof Quantization.None;
    run(
        source,
        first,
        end,
        (slice, rows) -> {
          if (isCopy) {
            PanelRows.copyBfloat16(source, slice.first(), slice.count(), values.row(slice.panel()));
          } else {
            rows.read(source, slice.first(), slice.count());
            rows.write(dtype, values.row(slice.panel()));
          }
        });
    return matrix(source, end - first, values, Quantization.NONE);
  }

  private Matrix fp8(Matrix source, Tensor stored, long first, long end) {
    Tensor values = values(DType.F8_E4M3, source, end - first, 0);
    Tensor scales = memory.allocate(DType.F32, Panels.count(end - first) * Panels.ROWS);
    run(
        source,
        first,
        end,
        (slice, rows) ->
            rows.copyFloat8(
                source,
                slice.first(),
                slice.count(),
                values.row(slice.panel()),
                lane -> stored.decode(slice.first() + lane),
                scales.rows(slice.panel() * Panels.ROWS, Panels.ROWS)));
    return matrix(source, end - first, values, new Quantization.Fp8PerRow(scales));
  }

  private Matrix storedInt4(Matrix source, Tensor stored, int group, long first, long end) {
    Tensor values = values(DType.I32, source, end - first, group);
    long groups = (source.columns() + group - 1) / group;
    DType dtype = stored.dtype() == DType.BF16 ? DType.BF16 : DType.F32;
    Tensor scales = memory.allocate(dtype, Panels.count(end - first), groups, Panels.ROWS);
    run(
        source,
        first,
        end,
        (slice, rows) -> {
          PanelRows.copyInt4(source, slice.first(), slice.count(), values.row(slice.panel()));
          PanelRows.copyScales(stored, slice.first(), slice.count(), scales.row(slice.panel()));
        });
    return matrix(source, end - first, values, new Quantization.Int4PerGroup(scales, group, false));
  }

  private Matrix int8(Matrix source, long first, long end) {
    Tensor values = values(DType.I8, source, end - first, 0);
    Tensor scales = memory.allocate(DType.F32, Panels.count(end - first), 2, Panels.ROWS);
    run(
        source,
        first,
        end,
        (slice, rows) -> {
          rows.read(source, slice.first(), slice.count());
          rows.quantizeInt8(values.row(slice.panel()), scales.row(slice.panel()));
        });
    return matrix(source, end - first, values, new Quantization.Int8PerRow(scales));
  }

  private Matrix int4(Matrix source, long first, long end) {
    Tensor values = values(DType.I32, source, end - first, INT4_GROUP);
    long groups = (source.columns() + INT4_GROUP - 1) / INT4_GROUP;
    Tensor scales = memory.allocate(DType.BF16, Panels.count(end - first), groups, Panels.ROWS);
    run(
        source,
        first,
        end,
        (slice, rows) -> {
          rows.read(source, slice.first(), slice.count());
          rows.quantizeInt4(INT4_GROUP, values.row(slice.panel()), scales.row(slice.panel()));
        });
    return matrix(
        source, end - first, values, new Quantization.Int4PerGroup(scales, INT4_GROUP, true));
  }

  private static Matrix matrix(Matrix source, long rows, Tensor values, Quantization quantization) {
    return new Matrix(rows, source.columns(), Matrix.Order.PANELS, values, quantization);
  }
}
