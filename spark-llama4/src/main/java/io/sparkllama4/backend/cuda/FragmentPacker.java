package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.MatrixBlock;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Fragments;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.Quantization;
import io.sparkllama4.tensor.Tensor;
import io.sparkllama4.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;

/// Brings stored matrices to the device and into the order of tensor cores, in the form that is
/// asked for: bytes go up as they are stored, the device does the rest.
final class FragmentPacker {
  private static final int THREADS = 128;

  /// Lanes that share a block of fragments, and its bytes.
  private static final int LANES = 32;

  private static final long BLOCK_BYTES = 512;

  /// Stored bytes on the device at a time, where a matrix can be taken in parts.
  private static final long STAGED_BYTES = 64L << 20;

  /// Inputs that share a scale when the kernels unpack 4-bit weights are multiples of this.
  private static final int GROUP_UNIT = 32;

  private final KernelSet kernels;
  private final CudaStream stream;
  private final PinnedRing ring;

  FragmentPacker(KernelSet kernels, CudaStream stream, PinnedRing ring) {
    this.kernels = kernels;
    this.stream = stream;
    this.ring = ring;
  }

  /// What becomes of a stored matrix.
  private enum Packing {
    EXACT,
    BFLOAT16,
    /// As two brain floats each.
    FLOAT32,
    FLOAT8,
    STORED_INT4,
    INT8,
    INT4
  }

  private static Packing packing(MatrixBlock block, WeightForm form) {
    return switch (form) {
      case EXACT -> Packing.EXACT;
      case INT8 -> Packing.INT8;
      case INT4, INT4_GROUP_128 -> Packing.INT4;
      case BF16 -> Packing.BFLOAT16;
      case STORED ->
          switch (block.source().quantization()) {
            case Quantization.None _ ->
                block.source().values().dtype() == DType.BF16 ? Packing.BFLOAT16 : Packing.FLOAT32;
            case Quantization.Fp8PerRow _ -> Packing.FLOAT8;
            case Quantization.Int4PerGroup _ ->
                fits(block.storedGroup()) ? Packing.STORED_INT4 : Packing.FLOAT32;
            case Quantization.Int8PerRow _ ->
                throw new IllegalStateException("No checkpoint stores 8-bit integers");
          };
    };
  }

  /// Whether the kernels can scale such groups; others are widened.
  private static boolean fits(int group) {
    return group > 0 && group % GROUP_UNIT == 0;
  }

  private static DType dtype(Packing packing) {
    return switch (packing) {
      case EXACT, FLOAT32 -> DType.F32;
      case BFLOAT16 -> DType.BF16;
      case FLOAT8 -> DType.F8_E4M3;
      case INT8 -> DType.U8;
      case STORED_INT4, INT4 -> DType.I32;
    };
  }

  private static int group(Packing packing, MatrixBlock block, WeightForm form) {
    return switch (packing) {
      case STORED_INT4 -> block.storedGroup();
      case INT4 -> form.group();
      case EXACT, BFLOAT16, FLOAT32, FLOAT8, INT8 -> 0;
    };
  }

  private static boolean isWide(Packing packing, MatrixBlock block) {
    return packing == Packing.STORED_INT4
        && ((Quantization.Int4PerGroup) block.source().quantization()).scales().dtype()
            != DType.BF16;
  }

  private static long groups(int columns, int group) {
    return Math.ceilDiv(Fragments.paddedInputs(DType.I32, columns), group);
  }

  /// The tensors of a part of a stored matrix: values, and scales where there are any.
  static List<TensorSpec> plan(MatrixBlock block, WeightForm form) {
    Packing packing = packing(block, form);
    int rows = block.rows().count();
    int columns = block.columns().count();
    DType dtype = dtype(packing);
    List<TensorSpec> plan = new ArrayList<>();
    plan.add(
        packing == Packing.EXACT
            ? TensorSpec.of(dtype, rows, columns)
            : TensorSpec.of(dtype, Fragments.elements(dtype, rows, columns)));
    switch (packing) {
      case FLOAT8, INT8 -> plan.add(TensorSpec.of(DType.F32, rows));
      case STORED_INT4, INT4 ->
          plan.add(
              TensorSpec.of(
                  isWide(packing, block) ? DType.F32 : DType.BF16,
                  Fragments.strips(rows),
                  groups(columns, group(packing, block, form)),
                  Fragments.STRIP));
      case EXACT, BFLOAT16, FLOAT32 -> {}
    }
    return plan;
  }

  /// A part of a stored matrix on the device.
  Matrix pack(MatrixBlock block, WeightForm form, Allocator memory) {
    List<Tensor> made = new ArrayList<>();
    plan(block, form).forEach(spec -> made.add(memory.allocate(spec)));
    Packing packing = packing(block, form);
    Tensor values = made.getFirst();
    Tensor scales = made.getLast();
    int group = group(packing, block, form);
    Target target = new Target(packing, values, scales, group, isWide(packing, block));
    try (StoredBlock stored = new StoredBlock(stream, ring, block)) {
      int rows = block.rows().count();
      int step = stored.rowsAtOnce(STAGED_BYTES);
      for (int first = 0; first < rows; first += step) {
        int end = Math.min(rows, first + step);
        stored.stage(first, end);
        write(stored, first, target);
      }
      stream.device().run(stream::synchronize);
    }
    Quantization quantization =
        switch (packing) {
          case EXACT, BFLOAT16, FLOAT32 -> Quantization.NONE;
          case FLOAT8 -> new Quantization.Fp8PerRow(scales);
          case STORED_INT4 -> new Quantization.Int4PerGroup(scales, group, false);
          case INT8 -> new Quantization.Int8PerRow(scales);
          case INT4 -> new Quantization.Int4PerGroup(scales, group, false);
        };
    Matrix.Order order =
        packing == Packing.EXACT ? Matrix.Order.OUTPUT_MAJOR : Matrix.Order.FRAGMENTS;
    return new Matrix(block.rows().count(), block.columns().count(), order, values, quantization);
  }

  /// What rows are packed into.
  private record Target(Packing packing, Tensor values, Tensor scales, int group, boolean isWide) {}

  /// Packs the rows that are staged, which begin with `first` of the block.
  private void write(StoredBlock stored, int first, Target target) {
    DType dtype = target.values().dtype();
    int columns = stored.columns();
    long values = target.values().data().address();
    if (target.packing() == Packing.EXACT) {
      long at = values + (long) Float.BYTES * columns * first;
      launch("widen", stored, (long) stored.rows() * columns, launch -> launch.pointer(at));
      return;
    }
    int terms = Fragments.terms(dtype);
    int blocks =
        (int) (terms * Fragments.paddedInputs(dtype, columns) / Fragments.blockInputs(dtype));
    long lanes = Fragments.strips(stored.rows()) * blocks * LANES;
    long strip = first / Fragments.STRIP;
    long at = values + strip * blocks * BLOCK_BYTES;
    long rowScales = target.scales().data().address() + (long) Float.BYTES * first;
    switch (target.packing()) {
      case BFLOAT16, FLOAT32 ->
          launch(
              "pack_bf16",
              stored,
              lanes,
              launch -> launch.pointer(at).integer(blocks).integer(terms));
      case FLOAT8 -> {
        launch("pack_e4m3", stored, lanes, launch -> launch.pointer(at).integer(blocks));
        stored.copyRowScales(rowScales);
      }
      case INT8 -> packInt8(stored, rowScales, lanes, at, blocks);
      case STORED_INT4, INT4 -> packInt4(stored, strip, target, lanes, at, blocks);
      case EXACT -> throw new IllegalStateException("Widened above");
    }
  }

  private void packInt8(StoredBlock stored, long scales, long lanes, long at, int blocks) {
    int rows = stored.rows();
    launch("largest_int8", stored, (long) LANES * rows, launch -> launch.pointer(scales));
    launch(
        "pack_int8", stored, lanes, launch -> launch.pointer(scales).pointer(at).integer(blocks));
    Runnable divide =
        () ->
            kernels
                .of("scales_int8")
                .begin()
                .pointer(scales)
                .integer(rows)
                .run(stream, Math.ceilDiv(rows, THREADS), 1, 1, THREADS, 0);
    stream.device().run(divide);
  }

  private void packInt4(
      StoredBlock stored, long strip, Target target, long lanes, long at, int blocks) {
    int group = target.group();
    int groups = (int) groups(stored.columns(), group);
    long each = (long) groups * Fragments.STRIP;
    long bytes = target.isWide() ? Float.BYTES : Short.BYTES;
    long scales = target.scales().data().address() + strip * each * bytes;
    long count = Fragments.strips(stored.rows()) * each;
    boolean isStored = target.packing() == Packing.STORED_INT4;
    if (isStored) {
      int wide = target.isWide() ? 1 : 0;
      launch(
          "copy_scales_int4",
          stored,
          count,
          launch -> launch.pointer(scales).integer(group).integer(groups).integer(wide));
    } else {
      launch(
          "scales_int4",
          stored,
          count,
          launch -> launch.pointer(scales).integer(group).integer(groups));
    }
    launch(
        "pack_int4",
        stored,
        lanes,
        launch ->
            launch
                .pointer(isStored ? 0 : scales)
                .integer(group)
                .integer(groups)
                .pointer(at)
                .integer(blocks));
  }

  /// The arguments of a kernel behind those that say what is stored.
  private interface Arguments {
    Launch add(Launch launch);
  }

  private void launch(String kernel, StoredBlock stored, long threads, Arguments arguments) {
    stream
        .device()
        .run(
            () ->
                arguments
                    .add(stored.describe(kernels.of(kernel).begin()))
                    .run(
                        stream,
                        Math.toIntExact(Math.ceilDiv(threads, (long) THREADS)),
                        1,
                        1,
                        THREADS,
                        0));
  }
}
