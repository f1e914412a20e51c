package io.sparkllama4.benchmarks.work;

/// How products of rows with matrices are cut into blocks.
///
/// @param weights bytes of all matrices
/// @param inputs bytes of all rows of inputs
/// @param outputs bytes of all rows of outputs
/// @param columns blocks side by side over the outputs of a matrix
/// @param tiles of rows, of all matrices
/// @param each tiles of rows of one matrix
record Tiling(
    double weights, double inputs, double outputs, double columns, double tiles, double each) {
  /// Blocks of products that an H100 has at a time, two to each of its 132 multiprocessors.
  private static final int WAVE = 264;

  /// What of a matrix may stay in its cache of 50 MB from one wave to the next.
  private static final double CACHED = 25e6;

  /// Bytes from and to the memory of the device.
  double bytes() {
    double matrix = weights * each / tiles;
    double together = Math.max(1, Math.floor(WAVE / columns));
    double reads = matrix > CACHED ? Math.ceil(each / together) : 1;
    return weights * reads + inputs + outputs;
  }

  /// Bytes that blocks load and store.
  double loads() {
    return weights * each + inputs * columns + outputs;
  }
}
