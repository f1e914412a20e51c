package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.MatrixBlock;
import io.sparkllama4.tensor.Fragments;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.Quantization;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/// A part of a stored matrix on its way to the device: rows of it, as they are stored, and what
/// kernels must know to read them.
final class StoredBlock implements AutoCloseable {
  /// What kernels call 4-bit words; the other types follow [#type].
  private static final int TYPE_INT4 = 4;

  private final CudaStream stream;
  private final PinnedRing ring;
  private final MatrixBlock block;
  private final Matrix source;
  private final boolean isByInput;

  /// Bytes of one stored row, or of one stored input where these lie together.
  private final long stride;

  private @Nullable DeviceMemory staged;
  private @Nullable DeviceMemory scales;
  private int firstStaged;
  private int rows;

  StoredBlock(CudaStream stream, PinnedRing ring, MatrixBlock block) {
    this.stream = stream;
    this.ring = ring;
    this.block = block;
    this.source = block.source();
    this.isByInput = source.order() == Matrix.Order.INPUT_MAJOR;
    this.stride =
        isWords()
            ? Integer.BYTES * Matrix.wordsPerRow(source.columns())
            : source.values().dtype().bytes() * (isByInput ? source.rows() : source.columns());
  }

  private boolean isWords() {
    return source.quantization() instanceof Quantization.Int4PerGroup;
  }

  private int type() {
    return switch (source.values().dtype()) {
      case F32 -> 0;
      case BF16 -> 1;
      case F16 -> 2;
      case F8_E4M3 -> 3;
      default -> TYPE_INT4;
    };
  }

  /// Inputs of the block.
  int columns() {
    return block.columns().count();
  }

  /// Rows that are staged.
  int rows() {
    return rows;
  }

  /// How many rows are best staged at once; all where the rows do not lie one by one.
  int rowsAtOnce(long bytes) {
    if (isByInput) {
      return block.rows().count();
    }
    long most = Math.max(1, bytes / stride / Fragments.STRIP) * Fragments.STRIP;
    return (int) Math.min(most, Math.max(Fragments.STRIP, block.rows().count()));
  }

  /// Brings rows `first` up to `end` of the block to the device.
  void stage(int first, int end) {
    MemorySegment data = source.values().data();
    long from = isByInput ? block.columns().first() : block.rows().first() + first;
    long count = isByInput ? columns() : end - first;
    long bytes = stride * count;
    DeviceMemory target = staged;
    if (target == null || target.bytes() < bytes) {
      if (target != null) {
        target.close();
      }
      target = DeviceMemory.allocate(stream.device(), bytes);
      staged = target;
    }
    ring.upload(data.asSlice(stride * from, bytes), target.address(), bytes);
    firstStaged = first;
    rows = end - first;
    stageScales();
  }

  /// Scales of the rows that are staged, as floats `[rows, groups]`.
  private void stageScales() {
    Tensor stored =
        switch (source.quantization()) {
          case Quantization.Fp8PerRow(Tensor each) -> each;
          case Quantization.Int4PerGroup(Tensor each, _, _) -> each;
          case Quantization.None _, Quantization.Int8PerRow _ -> null;
        };
    if (stored == null) {
      return;
    }
    long groups = groups();
    long elements = groups * rows;
    long bytes = Float.BYTES * elements;
    DeviceMemory target = scales;
    if (target == null || target.bytes() < bytes) {
      if (target != null) {
        target.close();
      }
      target = DeviceMemory.allocate(stream.device(), bytes);
      scales = target;
    }
    long from = groups * (block.rows().first() + firstStaged);
    try (Arena arena = Arena.ofShared()) {
      MemorySegment wide = arena.allocate(bytes, Float.BYTES);
      for (long i = 0; i < elements; i++) {
        wide.setAtIndex(ValueLayout.JAVA_FLOAT, i, stored.decode(from + i));
      }
      ring.upload(wide, target.address(), bytes);
    }
  }

  private int groups() {
    return source.quantization() instanceof Quantization.Int4PerGroup(_, int group, _)
        ? (int) Math.ceilDiv(source.columns(), (long) group)
        : 1;
  }

  /// Copies the scales of the staged rows to where they are kept.
  void copyRowScales(long target) {
    DeviceMemory from = scales;
    if (from == null) {
      throw new IllegalStateException("There are no scales");
    }
    stream.device().run(() -> stream.copy(from.address(), target, (long) Float.BYTES * rows));
  }

  /// The arguments that say what is stored.
  Launch describe(Launch launch) {
    int group = source.quantization() instanceof Quantization.Int4PerGroup(_, int g, _) ? g : 0;
    DeviceMemory data = staged;
    if (data == null) {
      throw new IllegalStateException("Nothing is staged");
    }
    int width = isWords() ? Integer.BYTES : source.values().dtype().bytes();
    return launch
        .pointer(data.address())
        .integer(isWords() ? TYPE_INT4 : type())
        .integer(isByInput ? 1 : 0)
        .number(stride / width)
        .pointer(scales == null ? 0 : scales.address())
        .integer(group)
        .integer(groups())
        .integer(isByInput ? block.rows().first() + firstStaged : 0)
        .integer(rows)
        .integer(isByInput ? 0 : block.columns().first())
        .integer(columns());
  }

  @Override
  public void close() {
    Failures failures = new Failures();
    if (staged != null) {
      failures.attempt(staged::close);
    }
    if (scales != null) {
      failures.attempt(scales::close);
    }
    failures.rethrow();
  }
}
