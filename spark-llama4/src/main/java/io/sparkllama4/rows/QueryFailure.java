package io.sparkllama4.rows;

import io.sparkllama4.error.ErrorReport;
import java.io.Serial;
import java.util.Map;
import org.apache.spark.SparkThrowable;

/// A failure of a query as a whole as a Spark error condition: it cannot be analysed, or an
/// executor cannot load its model.
public final class QueryFailure extends RuntimeException implements SparkThrowable {
  @Serial private static final long serialVersionUID = 1L;

  private final ErrorReport report;

  /// Fails a query for the reason in `report`.
  public QueryFailure(ErrorReport report) {
    super(SparkErrors.message(report));
    this.report = report;
  }

  @Override
  public String getCondition() {
    return SparkErrors.condition(report.code());
  }

  @Override
  public String getSqlState() {
    return SparkErrors.sqlState(report.code());
  }

  @Override
  public Map<String, String> getMessageParameters() {
    return Map.of("message", report.describe());
  }
}
