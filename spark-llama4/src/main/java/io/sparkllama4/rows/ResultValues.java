package io.sparkllama4.rows;

import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.RowError;
import io.sparkllama4.engine.TokenLogprob;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.runtime.OnLongPrompt;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.util.GenericArrayData;
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

  private static final StructType SCORE =
      new StructType()
          .add("logprob", DataTypes.DoubleType, false)
          .add("tokens", DataTypes.IntegerType, false)
          .add("per_token", DataTypes.createArrayType(DataTypes.DoubleType, false), false);

  private ResultValues() {}

  /// The type of a call's result.
  public static DataType type(CallKind kind) {
    return switch (kind) {
      case GENERATE, TRY_GENERATE, CHAT, CLASSIFY -> DataTypes.StringType;
      case COMPLETE -> COMPLETION;
      case SCORE -> SCORE;
      case TOKENS -> DataTypes.createArrayType(DataTypes.IntegerType, false);
      case COUNT_TOKENS -> DataTypes.IntegerType;
    };
  }

  /// What the value of a row needs besides the engine's answer.
  ///
  /// @param seed what decided its random choices
  /// @param onLongPrompt what the row wants where its prompt is too long
  /// @param labels what it chooses from, if it does
  record Context(long seed, OnLongPrompt onLongPrompt, LabelScores labels) {
    /// What is known of a row before its options are.
    static final Context NONE = new Context(0, OnLongPrompt.FAIL, LabelScores.NONE);

    Context seed(long seed) {
      return new Context(seed, onLongPrompt, labels);
    }

    Context onLongPrompt(OnLongPrompt policy) {
      return new Context(seed, policy, labels);
    }

    Context labels(LabelScores labels) {
      return new Context(seed, onLongPrompt, labels);
    }
  }

  /// The value of a row that was answered, or refused.
  ///
  /// @throws RowFailure where the row's error fails the query
  static @Nullable Object value(CallPlan plan, Completion completion, Context context) {
    RowError error = completion.error().orElse(null);
    if (error != null
        && error.code() == ErrorCode.PROMPT_TOO_LONG
        && context.onLongPrompt() == OnLongPrompt.NULL) {
      return null;
    }
    if (plan.kind() == CallKind.COMPLETE) {
      return struct(plan, completion, context, error);
    }
    if (error != null) {
      if (plan.kind() == CallKind.TRY_GENERATE) {
        return null;
      }
      throw new RowFailure(plan.kind(), error);
    }
    return switch (plan.kind()) {
      case GENERATE, TRY_GENERATE, CHAT, COMPLETE -> UTF8String.fromString(completion.text());
      case CLASSIFY -> UTF8String.fromString(context.labels().best(completion.logprobs()));
      case SCORE -> score(completion);
      case TOKENS, COUNT_TOKENS ->
          throw new IllegalStateException(plan.kind() + " has no completion");
    };
  }

  private static Object score(Completion completion) {
    double[] perToken = completion.logprobs().stream().mapToDouble(TokenLogprob::logprob).toArray();
    return new GenericInternalRow(
        new Object[] {total(perToken), perToken.length, new GenericArrayData(perToken)});
  }

  /// The sum, from the first on: the same wherever the same tokens are added.
  private static double total(double[] logprobs) {
    double total = 0;
    for (double logprob : logprobs) {
      total += logprob;
    }
    return total;
  }

  private static Object struct(
      CallPlan plan, Completion completion, Context context, @Nullable RowError error) {
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
          context.seed(),
          errorValue
        });
  }
}
