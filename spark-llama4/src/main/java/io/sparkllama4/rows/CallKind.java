package io.sparkllama4.rows;

/// What a call makes of a completion.
public enum CallKind {
  /// The text; a failing row fails the query.
  GENERATE("llama4_generate"),
  /// The text; NULL for a failing row.
  TRY_GENERATE("try_llama4_generate"),
  /// A struct that tells everything; never fails for a row.
  COMPLETE("llama4_complete");

  private final String function;

  CallKind(String function) {
    this.function = function;
  }

  /// The SQL function's name.
  public String function() {
    return function;
  }
}
