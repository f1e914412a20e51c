package io.sparkllama4.sql;

import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.rows.QueryFailure;
import io.sparkllama4.rows.SparkErrors;
import org.apache.spark.QueryContext;
import org.apache.spark.sql.AnalysisException;
import scala.Option;
import scala.collection.immutable.Map$;

/// Our errors as Spark's analysis raises its own: with condition and SQLSTATE.
final class Conditions {
  private Conditions() {}

  /// The exception of a query that cannot be analysed. Spark wraps it in another that holds the
  /// plan, and knows no SQLSTATE for conditions that are not in its own list: the cause keeps ours.
  static AnalysisException analysis(ErrorReport report) {
    return new AnalysisException(
        SparkErrors.message(report),
        Option.empty(),
        Option.empty(),
        Option.apply(new QueryFailure(report)),
        Option.apply(SparkErrors.condition(report.code())),
        Map$.MODULE$.empty(),
        new QueryContext[0],
        Option.apply(SparkErrors.sqlState(report.code())),
        Option.empty());
  }

  /// Throws an exception whose type Java would have to declare where Scala's interfaces do not.
  @SuppressWarnings(
      "unchecked") // The cast is a trick of the compiler's; nothing is cast at run time.
  static <E extends Exception> RuntimeException raise(Exception exception) throws E {
    throw (E) exception;
  }
}
