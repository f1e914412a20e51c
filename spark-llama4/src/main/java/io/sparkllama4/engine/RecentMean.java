package io.sparkllama4.engine;

/// The mean of what was seen lately: what was seen before counts less and less.
final class RecentMean {
  private static final double MEMORY = 0.95;

  private double sum;
  private double weight;

  void add(double value) {
    sum = MEMORY * sum + value;
    weight = MEMORY * weight + 1;
  }

  /// 0 where nothing has been seen.
  double mean() {
    return weight == 0 ? 0 : sum / weight;
  }
}
