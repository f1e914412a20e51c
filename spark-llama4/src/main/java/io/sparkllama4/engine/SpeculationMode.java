package io.sparkllama4.engine;

/// Whether the engine guesses tokens of an output from what the row, or others lately, have said
/// before, and verifies several of them in one step. Answers are the same.
public enum SpeculationMode {
  /// As long as it is measured to be faster.
  AUTO,
  /// Wherever there is something to guess from.
  ON,
  /// Never.
  OFF
}
