package io.sparkllama4.udfs;

import io.sparkllama4.rows.CallKind;
import io.sparkllama4.sql.ModelCall;
import io.sparkllama4.sql.ModelCallBuilder;
import java.util.List;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.ExpressionInfo;
import scala.Function1;
import scala.Tuple3;
import scala.collection.immutable.Seq;
import scala.runtime.AbstractFunction1;

/// The functions that continue prompts: `llama4_generate`, `try_llama4_generate`,
/// `llama4_complete`.
final class GenerateFunctions {
  private static final String ARGUMENTS =
      """

          Arguments:
            * prompt - a STRING; it is wrapped as one user message where the checkpoint has a chat
              template, unless raw => true. NULL gives NULL.
            * options - a MAP<STRING, ...>, or each by name, in any order, literal or column:
              model (alias, a literal), max_tokens (256), temperature (0), top_p (1), top_k (0), min_p
              (0), seed, stop, stop_id, ignore_eos (false), presence_penalty (0), frequency_penalty (0),
              repetition_penalty (1), raw (false), on_long_prompt ('fail' or 'null').
      """;

  /// All of them.
  static final List<GenerateFunctions> ALL =
      List.of(
          new GenerateFunctions(
              CallKind.GENERATE,
              "_FUNC_(prompt [, options]) - Continues prompt with a model; a row that cannot be"
                  + " answered fails the query.",
              """

                  Examples:
                    > SELECT _FUNC_('Name the capital of France.', max_tokens => 8);
                     Paris
                    > SELECT _FUNC_(body, map('max_tokens', '32', 'temperature', '0.7')) FROM tickets;
                     ...
              """),
          new GenerateFunctions(
              CallKind.TRY_GENERATE,
              "_FUNC_(prompt [, options]) - Continues prompt with a model; NULL for a row that cannot"
                  + " be answered.",
              """

                  Examples:
                    > SELECT _FUNC_(NULL);
                     NULL
              """),
          new GenerateFunctions(
              CallKind.COMPLETE,
              "_FUNC_(prompt [, options]) - Continues prompt, a text or an array of messages with role"
                  + " and content, and tells everything: text, finish_reason, usage, model, seed, error."
                  + " It never fails for a row.",
              """

                  Examples:
                    > SELECT _FUNC_(prompt).error.code FROM prompts;
                     NULL
              """));

  private final CallKind kind;
  private final String usage;
  private final String examples;

  private GenerateFunctions(CallKind kind, String usage, String examples) {
    this.kind = kind;
    this.usage = usage;
    this.examples = examples;
  }

  /// The function as Spark takes it.
  Tuple3<FunctionIdentifier, ExpressionInfo, Function1<Seq<Expression>, Expression>> description() {
    ExpressionInfo info =
        new ExpressionInfo(
            ModelCall.class.getName(),
            "",
            kind.function(),
            usage,
            ARGUMENTS,
            examples,
            "",
            "misc_funcs",
            "0.1.0",
            "",
            "built-in");
    CallKind called = kind;
    return new Tuple3<>(
        new FunctionIdentifier(kind.function()),
        info,
        new AbstractFunction1<>() {
          @Override
          public Expression apply(Seq<Expression> arguments) {
            return ModelCallBuilder.build(called, arguments);
          }
        });
  }
}
