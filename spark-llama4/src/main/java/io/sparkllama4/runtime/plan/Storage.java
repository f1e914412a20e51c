package io.sparkllama4.runtime.plan;

/// How a kind of matrix is kept.
enum Storage {
  /// 2 bytes a weight.
  BF16,
  /// A byte a weight, and a float32 scale for every output.
  EIGHT_BITS,
  /// Half a byte a weight, and a bf16 scale for every output and 128 inputs.
  FOUR_BITS,
  /// In bf16 in the host's memory: a step reads a row for each of its tokens.
  HOST;

  private static final int FLOAT_BYTES = 4;
  private static final int BFLOAT_BYTES = 2;

  /// Bytes of `matrices` on the GPU.
  long bytes(Matrices matrices) {
    return switch (this) {
      case BF16 -> BFLOAT_BYTES * matrices.elements();
      case EIGHT_BITS -> matrices.elements() + FLOAT_BYTES * matrices.rows();
      case FOUR_BITS -> Math.ceilDiv(matrices.elements(), 2) + BFLOAT_BYTES * matrices.groups();
      case HOST -> 0;
    };
  }

  /// Bytes of `matrices` in the host's memory.
  long hostBytes(Matrices matrices) {
    return this == HOST ? BFLOAT_BYTES * matrices.elements() : 0;
  }
}
