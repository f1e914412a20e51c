package io.sparkllama4.tensor;

import java.util.Locale;

/// The type of a tensor's elements, little-endian in memory, named as in safetensors headers.
public enum DType {
  F64(8),
  F32(4),
  /// Brain float: the upper half of an F32.
  BF16(2),
  /// IEEE 754 half precision.
  F16(2),
  /// 4 exponent and 3 mantissa bits, no infinities (OCP E4M3FN).
  F8_E4M3(1),
  F8_E5M2(1),
  I64(8),
  I32(4),
  I16(2),
  I8(1),
  U64(8),
  U32(4),
  U16(2),
  U8(1),
  BOOL(1);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /// The size of one element.
  public int bytes() {
    return bytes;
  }

  /// True of the types in which a weight may be stored without scales.
  public boolean isWideFloat() {
    return this == F32 || this == BF16 || this == F16;
  }

  /// The name in the documents that the command line prints: `bf16`, `f32`.
  public String label() {
    return this == F8_E4M3 ? "fp8" : name().toLowerCase(Locale.ROOT);
  }
}
