package io.sparkllama4.sql;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.rows.SparkErrors;
import org.apache.spark.QueryContext;
import org.apache.spark.sql.AnalysisException;
import scala.Option;
import scala.collection.immutable.Map$;

/// Our errors as Spark's analysis raises its own: with condition and SQLSTATE.
final class Conditions {
  private Conditions() {}

  /// The exception of a query that cannot be analysed.
  static AnalysisException analysis(ErrorReport report) {
    ErrorCode code = report.code();
    String state = SparkErrors.sqlState(code);
    String message =
        "[" + SparkErrors.condition(code) + "] " + report.describe() + " SQLSTATE: " + state;
    return new AnalysisException(
        message,
        Option.empty(),
        Option.empty(),
        Option.empty(),
        Option.apply(SparkErrors.condition(code)),
        Map$.MODULE$.empty(),
        new QueryContext[0],
        Option.apply(state),
        Option.empty());
  }

  /// Throws an exception whose type Java would have to declare where Scala's interfaces do not.
  @SuppressWarnings(
      "unchecked") // The cast is a trick of the compiler's; nothing is cast at run time.
  static <E extends Exception> RuntimeException raise(Exception exception) throws E {
    throw (E) exception;
  }
}
