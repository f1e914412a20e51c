package io.sparkllama4.engine;

/// The mean of what was seen lately: what was seen before counts less and less.
final class RecentMean {
  private final double memory;
  private double sum;
  private double weight;

  /// @param memory what a value counts for when the next is seen, in parts of what it did before
  RecentMean(double memory) {
    this.memory = memory;
  }

  void add(double value) {
    sum = memory * sum + value;
    weight = memory * weight + 1;
  }

  /// Forgets everything.
  void clear() {
    sum = 0;
    weight = 0;
  }

  /// 0 where nothing has been seen.
  double mean() {
    return weight == 0 ? 0 : sum / weight;
  }
}
