package io.sparkllama4.backend.cuda;

/// Rows of brain floats on the device, as products read them: one term each, or two whose sum is
/// exact to 2^-16.
///
/// @param address of the first
/// @param stride elements from row to row, a multiple of 8; those behind the inputs are zeros
/// @param termStride elements from the first terms to the second; 0 where rows have one
record PackedRows(long address, long stride, long termStride) {
  /// No rows, where a kernel may leave them out.
  static final PackedRows NONE = new PackedRows(0, 0, 0);

  /// The least stride of rows of `inputs` elements.
  static long stride(long inputs) {
    return (inputs + 7) / 8 * 8;
  }

  /// The stride of rows that a product writes, whole strips of 16 outputs.
  static long strideOfOutputs(long outputs) {
    return (outputs + 15) / 16 * 16;
  }
}
