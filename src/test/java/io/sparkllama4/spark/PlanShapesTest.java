package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every shape of a plan that breaks a naive extraction: its rows are those of the same query over
/// a column of answers, its calls and operators are counted; with adaptive execution and code
/// generation on, in the full form off too.
///
/// In the shapes `{p}` stands for a call over column or expression p, in the reference for a
/// look-up in the answers.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PlanShapesTest {
  private Application spark;

  /// A shape with what it costs.
  ///
  /// @param sql the query
  /// @param operators inference operators of the executed plan
  /// @param calls model calls
  record Shape(String sql, int operators, long calls) {
    @Override
    public String toString() {
      return sql;
    }
  }

  @BeforeAll
  void start() {
    spark = Application.start("local[2]");
    ShapeTables.create(spark);
  }

  @AfterAll
  void stop() {
    spark.close();
  }

  static Stream<Shape> shapes() {
    return ShapeTables.shapes().stream();
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void givesTheRowsAndCostsTheCalls(Shape shape) {
    check(shape, "true", "true");
  }

  @Tag("full")
  @ParameterizedTest
  @MethodSource("shapes")
  void withoutAdaptiveExecution(Shape shape) {
    check(shape, "false", "true");
  }

  @Tag("full")
  @ParameterizedTest
  @MethodSource("shapes")
  void withoutCodeGeneration(Shape shape) {
    check(shape, "true", "false");
  }

  @Tag("full")
  @ParameterizedTest
  @MethodSource("shapes")
  void withNeither(Shape shape) {
    check(shape, "false", "false");
  }

  private void check(Shape shape, String adaptive, String codegen) {
    try (Application.Setting _ = spark.setting("spark.sql.adaptive.enabled", adaptive);
        Application.Setting _ = spark.setting("spark.sql.codegen.wholeStage", codegen)) {
      Dataset<Row> query = spark.sql(ShapeTables.withCalls(shape.sql()));
      List<Row> rows = query.collectAsList();
      Operators operators = Operators.of(query);
      String plan = query.queryExecution().executedPlan().toString();
      assertThat(sorted(rows, shape))
          .as(plan)
          .isEqualTo(sorted(spark.rows(ShapeTables.withAnswers(shape.sql())), shape));
      assertThat(Map.of("operators", (long) operators.count(), "calls", operators.sum("calls")))
          .as("%s", plan)
          .isEqualTo(Map.of("operators", (long) shape.operators(), "calls", shape.calls()));
    }
  }

  /// Rows in their order where the query gives them one.
  private static List<String> sorted(List<Row> rows, Shape shape) {
    Stream<String> texts = rows.stream().map(Row::toString);
    return shape.sql().contains("ORDER BY") ? texts.toList() : texts.sorted().toList();
  }
}
