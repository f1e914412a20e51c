package io.sparkllama4.udfs;

import io.sparkllama4.rows.CallKind;
import io.sparkllama4.sql.ModelCall;
import io.sparkllama4.sql.ModelCallBuilder;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.ExpressionInfo;
import scala.Function1;
import scala.Tuple3;
import scala.collection.immutable.Seq;
import scala.runtime.AbstractFunction1;

/// One function with its documentation, as `DESCRIBE FUNCTION EXTENDED` shows it.
///
/// @param kind what it does
/// @param usage its signature and what it gives, one line
/// @param arguments the list of its arguments
/// @param examples statements with what they print; `_TICKET_` stands for a prompt
record FunctionDescription(CallKind kind, String usage, String arguments, String examples) {
  /// A prompt that the bundled model has learnt to answer, as a literal: the examples are run with
  /// that model.
  private static final String TICKET =
      "'Name the queue for this ticket: billing, shipping, returns, technical, account, orders or"
          + " sales.\\n\\nWhere is my parcel?'";

  /// The release that brought all of them.
  private static final String SINCE = "0.1.0";

  /// The function as Spark takes it.
  Tuple3<FunctionIdentifier, ExpressionInfo, Function1<Seq<Expression>, Expression>> injected() {
    ExpressionInfo info =
        new ExpressionInfo(
            ModelCall.class.getName(),
            null, // Of no database, as the functions that Spark brings.
            kind.function(),
            usage,
            section("Arguments", arguments),
            section("Examples", examples.replace("_TICKET_", TICKET)),
            "",
            "misc_funcs",
            SINCE,
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

  /// A section as Spark's own functions have it.
  private static String section(String title, String lines) {
    return "\n    " + title + ":\n" + lines.indent(6) + "  ";
  }
}
