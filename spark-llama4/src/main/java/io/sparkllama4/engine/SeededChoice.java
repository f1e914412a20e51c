package io.sparkllama4.engine;

/// The random numbers of a row: a function of its seed and of the place in its output, so that no
/// order of computing can change them.
final class SeededChoice {
  private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;
  private static final double UNIT = 0x1p-53;

  private SeededChoice() {}

  /// A number in [0, 1) for the token at `index` of the output of a row with `seed`.
  static double uniform(long seed, int index) {
    return (mix(mix(seed) + GOLDEN_GAMMA * (index + 1L)) >>> 11) * UNIT;
  }

  /// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014): every bit of the input reaches
  /// every bit of the output.
  private static long mix(long z) {
    long x = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    x = (x ^ (x >>> 27)) * 0x94d049bb133111ebL;
    return x ^ (x >>> 31);
  }
}
