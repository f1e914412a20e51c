package io.sparkllama4.rows;

import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.RowError;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.runtime.GenerationOptions;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/// What the functions return. No value holds what may differ between two attempts at a row: after a
/// lost executor Spark fails a job whose rows changed.
public final class ResultValues {
  private static final StructType USAGE =
      new StructType()
          .add("prompt_tokens", DataTypes.IntegerType, false)
          .add("completion_tokens", DataTypes.IntegerType, false);

  private static final StructType ERROR =
      new StructType()
          .add("code", DataTypes.StringType, false)
          .add("message", DataTypes.StringType, false);

  private static final StructType COMPLETION =
      new StructType()
          .add("text", DataTypes.StringType, true)
          .add("finish_reason", DataTypes.StringType, false)
          .add("usage", USAGE, false)
          .add("model", DataTypes.StringType, false)
          .add("seed", DataTypes.LongType, false)
          .add("error", ERROR, true);

  private ResultValues() {}

  /// The type of a call's result.
  public static DataType type(CallKind kind) {
    return switch (kind) {
      case GENERATE, TRY_GENERATE -> DataTypes.StringType;
      case COMPLETE -> COMPLETION;
    };
  }

  /// A row that was answered, or refused.
  ///
  /// @param completion what became of it
  /// @param seed what decided its random choices
  /// @param onLongPrompt what the row wants where its prompt is too long
  record Outcome(Completion completion, long seed, GenerationOptions.OnLongPrompt onLongPrompt) {}

  /// The value of a call.
  ///
  /// @throws RowFailure where the row's error fails the query
  static @Nullable Object value(CallPlan plan, Outcome outcome) {
    Completion completion = outcome.completion();
    RowError error = completion.error().orElse(null);
    if (error != null
        && error.code() == ErrorCode.PROMPT_TOO_LONG
        && outcome.onLongPrompt() == GenerationOptions.OnLongPrompt.NULL) {
      return null;
    }
    return switch (plan.kind()) {
      case GENERATE -> {
        if (error != null) {
          throw new RowFailure(plan.kind().function(), error);
        }
        yield UTF8String.fromString(completion.text());
      }
      case TRY_GENERATE -> error != null ? null : UTF8String.fromString(completion.text());
      case COMPLETE -> struct(plan, outcome, error);
    };
  }

  private static Object struct(CallPlan plan, Outcome outcome, @Nullable RowError error) {
    Completion completion = outcome.completion();
    Object errorValue =
        error == null
            ? null
            : new GenericInternalRow(
                new Object[] {
                  UTF8String.fromString(error.code().name()), UTF8String.fromString(error.message())
                });
    Object usage =
        new GenericInternalRow(
            new Object[] {
              completion.usage().promptTokens(), completion.usage().completionTokens()
            });
    return new GenericInternalRow(
        new Object[] {
          error == null ? UTF8String.fromString(completion.text()) : null,
          UTF8String.fromString(completion.end().reason()),
          usage,
          UTF8String.fromString(plan.alias()),
          outcome.seed(),
          errorValue
        });
  }
}
