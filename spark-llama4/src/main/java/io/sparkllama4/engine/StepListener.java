package io.sparkllama4.engine;

/// Hears of every step of an engine, on the engine's thread.
public interface StepListener {
  /// Hears nothing.
  StepListener NONE = report -> {};

  /// A step is over.
  void stepped(StepReport report);

  /// What a step did.
  ///
  /// @param rows sequences that took part
  /// @param prefillTokens tokens of prompts
  /// @param decodeTokens tokens that were added to outputs which had begun before
  /// @param nanos its time
  record StepReport(int rows, int prefillTokens, int decodeTokens, long nanos) {}
}
