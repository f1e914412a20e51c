package io.sparkllama4.runtime.plan;

/// Weight matrices, counted for every way to store them.
///
/// @param elements weights
/// @param rows outputs; forms of 8 bits keep a scale for each
/// @param groups pieces of [#GROUP] inputs of an output; the form of 4 bits keeps a scale for each
record Matrices(long elements, long rows, long groups) {
  /// Inputs that share a scale in 4 bits.
  static final int GROUP = 128;

  /// None.
  static final Matrices NONE = new Matrices(0, 0, 0);

  /// One matrix of `rows` outputs and `columns` inputs.
  static Matrices of(long rows, long columns) {
    return new Matrices(rows * columns, rows, rows * Math.ceilDiv(columns, GROUP));
  }

  /// A gated network: gate and up from `hidden` to `width`, down back again.
  static Matrices gated(long hidden, long width) {
    return of(2 * width, hidden).plus(of(hidden, width));
  }

  Matrices plus(Matrices other) {
    return new Matrices(elements + other.elements, rows + other.rows, groups + other.groups);
  }

  Matrices times(long count) {
    return new Matrices(elements * count, rows * count, groups * count);
  }
}
