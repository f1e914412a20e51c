package io.sparkllama4.cli.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;

/// Something that is measured, by a name that benchmarks of other engines use too.
interface Case {
  /// Its name.
  String name();

  /// Prompt length, or number of sequences or rows.
  int n();

  /// True where it is run once before it is measured, so that code is compiled and memory is there;
  /// long cases go without.
  boolean warmsUp();

  /// Runs it once. Nothing else may run.
  Sample run(BenchModel model) throws InterruptedException;

  /// Says what else its document tells.
  ///
  /// @param tokensPerSecond its median speed
  default void describe(ObjectNode document, double tokensPerSecond) {}
}
