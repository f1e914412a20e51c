package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.cpu.ffi.KernelLibrary;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.Quantization;
import io.sparkllama4.tensor.Tensor;

/// The native kernels. Memory is native memory that the engine keeps open as long as it computes.
final class NativePanels implements PanelMath {
  /// The widest head, and the most query rows, that the native kernel has scratch memory for.
  private static final int MOST_HEAD_DIM = 256;

  private static final int MOST_QUERY_ROWS = 64;

  /// Heads are read in whole vectors of the widest kind.
  private static final int HEAD_UNIT = 16;

  private final KernelLibrary library;

  NativePanels(KernelLibrary library) {
    this.library = library;
  }

  /// The numbers of `enum kind` in kernels.h.
  private static int kind(Matrix weight) {
    return switch (weight.quantization()) {
      case Quantization.None _ ->
          switch (weight.values().dtype()) {
            case F32 -> 0;
            case BF16 -> 1;
            case F16 -> 2;
            default -> throw new IllegalStateException("No kernel for " + weight.values().dtype());
          };
      case Quantization.Fp8PerRow _ -> 3;
      case Quantization.Int4PerGroup(_, _, boolean quantizes) when quantizes -> 7;
      case Quantization.Int4PerGroup(Tensor scales, _, _) -> scales.dtype() == DType.BF16 ? 4 : 5;
      case Quantization.Int8PerRow _ -> 6;
    };
  }

  private static KernelLibrary.PanelMatrix matrix(Matrix weight) {
    long values = weight.values().data().address();
    return switch (weight.quantization()) {
      case Quantization.None _ ->
          new KernelLibrary.PanelMatrix(kind(weight), values, 0, weight.columns(), 1);
      case Quantization.Fp8PerRow(Tensor scales) -> scaled(weight, values, scales, 1);
      case Quantization.Int8PerRow(Tensor scales) -> scaled(weight, values, scales, 1);
      case Quantization.Int4PerGroup(Tensor scales, int group, _) ->
          scaled(weight, values, scales, group);
    };
  }

  private static KernelLibrary.PanelMatrix scaled(
      Matrix weight, long values, Tensor scales, int group) {
    return new KernelLibrary.PanelMatrix(
        kind(weight), values, scales.data().address(), weight.columns(), group);
  }

  private static KernelLibrary.Rows rows(Rows rows) {
    return new KernelLibrary.Rows(rows.address(), rows.stride());
  }

  @Override
  public long quantizedBytes(Matrix weight) {
    return library.quantizedBytes(kind(weight), weight.columns());
  }

  @Override
  public void quantize(Matrix weight, Rows input, Rows target) {
    library.quantize(
        kind(weight),
        input.address(),
        input.stride() / Float.BYTES,
        weight.columns(),
        input.count(),
        target.address());
  }

  @Override
  public void product(
      Matrix weight, long first, long outputs, Rows input, Rows output, int worker) {
    library.product(matrix(weight), first, outputs, rows(input), input.count(), rows(output));
  }

  @Override
  public void swiGlu(Rows gate, Rows up, long width, Rows output) {
    library.swiGlu(rows(gate), up.address(), width, gate.count(), rows(output));
  }

  @Override
  public void rmsNorm(Rows input, Tensor weight, float epsilon, Rows output) {
    library.rmsNorm(
        input.address(),
        weight.data().address(),
        epsilon,
        weight.size(0),
        input.count(),
        output.address());
  }

  @Override
  public void add(Tensor addend, Tensor target, long at, long count) {
    library.add(addend.data().address() + at, target.data().address() + at, count);
  }

  @Override
  public double ceiling(Ceiling what, long rounds, Tensor memory, long at, long bytes) {
    return library.ceiling(ceilingNumber(what), rounds, memory.data().address() + at, bytes);
  }

  private static int ceilingNumber(Ceiling what) {
    return switch (what) {
      case FP32 -> 0;
      case INT8 -> 1;
      case INT4 -> 2;
      case BF16 -> 3;
      case MEMORY -> 4;
    };
  }

  /// Whether heads of this shape can be attended natively.
  static boolean attends(AttentionSpec spec) {
    return spec.headDim() % HEAD_UNIT == 0
        && spec.headDim() <= MOST_HEAD_DIM
        && spec.heads() / spec.kvHeads() <= MOST_QUERY_ROWS;
  }

  /// Tokens whose queries of one key head are attended at once.
  static int tokensAtOnce(AttentionSpec spec) {
    return Math.max(1, MOST_QUERY_ROWS / (spec.heads() / spec.kvHeads()));
  }

  /// Attends; see [KernelLibrary#attend].
  void attend(KernelLibrary.Queries queries, KernelLibrary.PagedHead head) {
    library.attend(queries, head);
  }
}
