package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.Routing;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// A routing that stays on the device. Rows are ordered by group: group 0 is the shared expert's
/// where it is computed beside the others, then come the experts that are held.
final class CudaRouting implements Routing {
  private final CudaStream stream;
  private final int count;
  private final int chosen;

  /// I32 and F32 `[T, k]`.
  final Tensor experts;

  final Tensor scores;

  /// I32 `[T, k]`, the row of each choice.
  final Tensor rowOf;

  /// I32 `[T * (k + 1)]` and F32, by row.
  final Tensor tokenOf;

  final Tensor scoreOfRow;

  /// I32 `[E + 2]`: first rows of groups, and tiles of 16 and 64 rows in front of them.
  final Tensor offsets;

  final Tensor tiles16;
  final Tensor tiles64;

  /// The tokens of the last routing.
  private int tokens;

  /// The groups of the last routing, the shared expert's among them.
  private int groups;

  /// The most rows that the last routing can have.
  private int rows;

  /// The rows that it has where all experts are chosen alike.
  private int typicalRows;

  CudaRouting(CudaStream stream, int tokens, int experts, int chosen, Allocator memory) {
    this.stream = stream;
    this.count = experts;
    this.chosen = chosen;
    this.experts = memory.allocate(DType.I32, tokens, chosen);
    this.scores = memory.allocate(DType.F32, tokens, chosen);
    this.rowOf = memory.allocate(DType.I32, tokens, chosen);
    this.tokenOf = memory.allocate(DType.I32, (long) tokens * (chosen + 1));
    this.scoreOfRow = memory.allocate(DType.F32, (long) tokens * (chosen + 1));
    this.offsets = memory.allocate(DType.I32, experts + 2L);
    this.tiles16 = memory.allocate(DType.I32, experts + 2L);
    this.tiles64 = memory.allocate(DType.I32, experts + 2L);
  }

  /// Remembers the shape of what a kernel orders.
  void ordered(int given, int held, boolean isShared) {
    tokens = given;
    groups = held + (isShared ? 1 : 0);
    int shared = isShared ? given : 0;
    rows = given * chosen + shared;
    typicalRows = (int) ((long) given * chosen * held / count) + shared;
  }

  int chosen() {
    return chosen;
  }

  int groups() {
    return groups;
  }

  int mostRows() {
    return rows;
  }

  int typicalRows() {
    return typicalRows;
  }

  @Override
  public int[] experts() {
    return copy(experts).toArray(ValueLayout.JAVA_INT_UNALIGNED);
  }

  @Override
  public float[] scores() {
    return copy(scores).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
  }

  private MemorySegment copy(Tensor choices) {
    long bytes = 4L * tokens * chosen;
    if (bytes == 0) {
      return MemorySegment.ofArray(new byte[0]);
    }
    try (Readback readback = new Readback(stream, bytes)) {
      byte[] copied = readback.read(choices.data().address(), bytes).toArray(ValueLayout.JAVA_BYTE);
      return MemorySegment.ofArray(copied);
    }
  }
}
