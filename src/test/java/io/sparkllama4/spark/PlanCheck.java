package io.sparkllama4.spark;

import io.sparkllama4.golden.Oracle;
import io.sparkllama4.plans.PlanGenerator;
import io.sparkllama4.plans.PlanTables;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.spark.SparkThrowable;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.plans.logical.GlobalLimit;
import org.apache.spark.sql.catalyst.plans.logical.Sort;

/// Runs a query with calls and the same query with look-ups, and compares.
final class PlanCheck implements AutoCloseable {
  private static final int SHOWN = 400;

  private static final Pattern MULTIPLYING =
      Pattern.compile("JOIN|LATERAL|WITH|EXISTS|IN \\(SELECT|\\(SELECT (max|CAST)\\(");
  private static final Pattern TABLE = Pattern.compile("tickets|teams|words");
  private static final Pattern CALL = Pattern.compile("llama4_generate\\(");

  private final Application spark;

  private PlanCheck(Application spark) {
    this.spark = spark;
  }

  /// Starts Spark with the tables of the queries.
  static PlanCheck start() {
    Application spark =
        Application.start(
            "local[2]",
            Map.of(
                "spark.llama4.model",
                Oracle.resources().resolve("scout").toString(),
                "spark.llama4.kv.tokens",
                "20000",
                "spark.sql.shuffle.partitions",
                "2"));
    try {
      PlanTables.statements().forEach(spark::sql);
      Answers.register(spark.session());
      return new PlanCheck(spark);
    } catch (RuntimeException e) {
      spark.close();
      throw e;
    }
  }

  @Override
  public void close() {
    spark.close();
  }

  /// How a query came out.
  sealed interface Outcome {}

  /// The same rows.
  record Equal() implements Outcome {}

  /// Refused where the documentation says so.
  record Refused() implements Outcome {}

  /// A query that Spark itself does not take, with look-ups too.
  record Invalid(String message) implements Outcome {}

  /// Something is wrong.
  ///
  /// @param kind what: an error's condition or class, `rows`, `calls`
  record Failed(String kind, String message) implements Outcome {}

  /// Runs `sql` with the settings of this number.
  Outcome check(String sql, int settings) {
    List<Row> expected;
    try (PlanSettings _ = PlanSettings.quickest(spark)) {
      // Conditions of the analysis are checked exceptions that Scala does not declare.
      expected = spark.rows(Answers.reference(sql));
    } catch (Exception e) {
      return new Invalid(condition(e) + ": " + shortened(String.valueOf(e.getMessage())));
    }
    try (PlanSettings _ = PlanSettings.of(spark, settings)) {
      return compare(sql, expected);
    }
  }

  private Outcome compare(String sql, List<Row> reference) {
    Dataset<Row> query;
    List<Row> found;
    List<Row> expected = reference;
    try {
      query = spark.sql(sql);
      found = query.collectAsList();
    } catch (Exception e) {
      String condition = condition(e);
      return condition.equals("LLAMA4_UNSUPPORTED_PLACE")
              && sql.contains(PlanGenerator.refusedMark())
          ? new Refused()
          : new Failed(condition, shortened(String.valueOf(e.getMessage())));
    }
    if (!isOrdered(query)) {
      expected = sorted(expected);
      found = sorted(found);
    }
    if (!found.equals(expected)) {
      return new Failed("rows", shortened("found " + found) + "\n expected " + expected);
    }
    return Operators.of(query).sum("calls") > mostCalls(sql)
        ? new Failed("calls", Operators.of(query).sum("calls") + " calls")
        : new Equal();
  }

  /// More calls than this are never right. Where no join and no subquery multiplies rows, no more
  /// of them meet a call than the tables hold that the query names.
  private static long mostCalls(String sql) {
    if (MULTIPLYING.matcher(sql).find()) {
      return Long.MAX_VALUE;
    }
    long rows = TABLE.matcher(sql).results().count() * PlanTables.MOST_ROWS;
    return rows * CALL.matcher(sql).results().count();
  }

  private static String shortened(String text) {
    return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "...";
  }

  /// The deepest condition, or the class of what has none.
  private static String condition(Throwable failure) {
    String found = "";
    String deepest = "";
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      deepest = cause.getClass().getSimpleName();
      if (cause instanceof SparkThrowable known && known.getCondition() != null) {
        found = known.getCondition();
      }
    }
    return found.isEmpty() ? deepest : found;
  }

  /// The queries order by all their columns, so that equal rows alone may change places.
  private static boolean isOrdered(Dataset<Row> query) {
    var plan = query.queryExecution().analyzed();
    return plan instanceof Sort || plan instanceof GlobalLimit;
  }

  private static List<Row> sorted(List<Row> rows) {
    List<Row> copy = new ArrayList<>(rows);
    copy.sort(Comparator.comparing(Row::toString));
    return copy;
  }
}
