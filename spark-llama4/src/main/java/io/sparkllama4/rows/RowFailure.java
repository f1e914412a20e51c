package io.sparkllama4.rows;

import io.sparkllama4.engine.RowError;
import java.io.Serial;
import java.util.Map;
import org.apache.spark.SparkThrowable;

/// A row's error that fails its query, as a Spark error condition.
public final class RowFailure extends RuntimeException implements SparkThrowable {
  @Serial private static final long serialVersionUID = 1L;

  private final RowError error;

  /// Fails the query of a call to `kind`.
  public RowFailure(CallKind kind, RowError error) {
    super(
        "["
            + SparkErrors.condition(error.code())
            + "] "
            + error.message()
            + ". "
            + wayOut(kind)
            + ". SQLSTATE: "
            + SparkErrors.sqlState(error.code()));
    this.error = error;
  }

  private static String wayOut(CallKind kind) {
    return switch (kind) {
      case GENERATE, TRY_GENERATE, COMPLETE ->
          "To keep other rows, use try_llama4_generate or llama4_complete instead of "
              + kind.function();
      case CHAT -> "To keep other rows, use llama4_complete instead of " + kind.function();
      case CLASSIFY, SCORE, TOKENS, COUNT_TOKENS ->
          "To keep other rows, leave this one out of the call of " + kind.function();
    };
  }

  @Override
  public String getCondition() {
    return SparkErrors.condition(error.code());
  }

  @Override
  public String getSqlState() {
    return SparkErrors.sqlState(error.code());
  }

  @Override
  public Map<String, String> getMessageParameters() {
    return Map.of("message", error.message());
  }
}
