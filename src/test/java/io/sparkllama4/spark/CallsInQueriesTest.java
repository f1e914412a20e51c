package io.sparkllama4.spark;

import static org.apache.spark.sql.functions.call_function;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.map;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Where calls may stand, what they cost, and which operators the plan holds.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CallsInQueriesTest {
  private static final int ROWS = 6;

  private Application spark;

  @BeforeAll
  void start() {
    spark = Application.start("local[2]");
    spark.sql(
        "CREATE TEMP VIEW prompts AS SELECT id, concat('prompt ', id) AS p, id % 2 AS g"
            + " FROM range(0, 6, 1, 2)");
    spark.sql(
        "CREATE TEMP VIEW answers AS SELECT id, g, llama4_generate(p, max_tokens => 3) AS y"
            + " FROM prompts");
  }

  @AfterAll
  void stop() {
    spark.close();
  }

  /// Runs `query` and checks what it cost.
  private List<Row> run(String query, int operators, long calls) {
    return run(spark.sql(query), operators, calls);
  }

  private static List<Row> run(Dataset<Row> query, int operators, long calls) {
    List<Row> rows = query.collectAsList();
    Operators inference = Operators.of(query);
    String plan = query.queryExecution().executedPlan().toString();
    assertThat(inference.count()).as("operators of %s", plan).isEqualTo(operators);
    assertThat(inference.sum("calls")).as("calls of %s", plan).isEqualTo(calls);
    return rows;
  }

  @Test
  void selectCostsOneCallPerRow() {
    List<Row> rows = run("SELECT llama4_generate(p, max_tokens => 3) FROM prompts", 1, ROWS);
    assertThat(rows).hasSize(ROWS).allSatisfy(row -> assertThat(row.getString(0)).isNotEmpty());
  }

  @Test
  void whereKeepsTheRowsWhoseAnswersFit() {
    List<Row> answers = run("SELECT id, y FROM answers", 1, ROWS);
    String first = answers.getFirst().getString(1);
    List<Row> kept =
        run(
            "SELECT id FROM prompts WHERE llama4_generate(p, max_tokens => 3) = '"
                + first.replace("\\", "\\\\").replace("'", "\\'")
                + "'",
            1,
            ROWS);
    assertThat(kept)
        .extracting(row -> row.getLong(0))
        .containsExactlyElementsOf(
            answers.stream()
                .filter(row -> row.getString(1).equals(first))
                .map(row -> row.getLong(0))
                .toList());
  }

  @Test
  void equalCallsOfAProjectionAreComputedOnce() {
    List<Row> rows =
        run(
            "SELECT llama4_generate(p, max_tokens => 3) AS a,"
                + " length(llama4_generate(p, max_tokens => 3)) AS b FROM prompts",
            1,
            ROWS);
    assertThat(rows)
        .hasSize(ROWS)
        .allSatisfy(row -> assertThat(row.getString(0)).hasSize(row.getInt(1)));
  }

  @Test
  void namesMayStandInAnyOrderAndMakeEqualCallsAllTheSame() {
    List<Row> rows =
        run(
            "SELECT llama4_generate(p, max_tokens => 3, temperature => 0.5),"
                + " llama4_generate(temperature => 0.5, max_tokens => 3, prompt => p),"
                + " llama4_generate(options => map('max_tokens', 3), temperature => 0.5,"
                + " prompt => p) FROM prompts",
            1,
            ROWS);
    assertThat(rows)
        .hasSize(ROWS)
        .allSatisfy(
            row -> assertThat(List.of(row.get(1), row.get(2))).containsOnly(row.getString(0)));
  }

  @Test
  void differentCallsOfAProjectionShareOneOperator() {
    List<Row> rows =
        run(
            "SELECT llama4_generate(p, max_tokens => 3) AS a,"
                + " llama4_complete(p, max_tokens => 2) AS b FROM prompts",
            1,
            2 * ROWS);
    assertThat(rows)
        .allSatisfy(row -> assertThat(row.getString(0)).startsWith(row.getStruct(1).getString(0)));
  }

  @Test
  void optionsMayBeColumnsAndMapsOfColumns() {
    List<Row> rows =
        run(
            "SELECT id, llama4_complete(p, max_tokens => CAST(id AS INT) + 1, ignore_eos => true),"
                + " llama4_complete(p, map('max_tokens', CAST(id + 1 AS STRING), 'ignore_eos',"
                + " 'true')), llama4_complete(p, map_from_arrays(array('max_tokens', 'ignore_eos'),"
                + " array(CAST(id + 1 AS STRING), 'true'))) FROM prompts",
            1,
            // What is asked in three ways is the same, and computed once.
            ROWS);
    assertThat(rows)
        .hasSize(ROWS)
        .allSatisfy(
            row -> {
              assertThat(row.getStruct(1).getStruct(2).getInt(1)).isEqualTo(row.getLong(0) + 1);
              assertThat(List.of(row.get(2), row.get(3))).containsOnly(row.get(1));
            });
  }

  @Test
  void aFilterOnAnAnswerCostsOneCallPerRow() {
    run("SELECT y FROM answers WHERE y LIKE 'L%'", 1, ROWS);
    run(
        "SELECT y, upper(y) FROM (SELECT llama4_generate(p, max_tokens => 3) AS y FROM prompts)"
            + " WHERE y LIKE 'L%' AND length(y) < 100",
        1, ROWS);
    run(
        "SELECT llama4_generate(p, max_tokens => 3) FROM prompts"
            + " WHERE llama4_generate(p, max_tokens => 3) LIKE '%'",
        1, ROWS);
  }

  /// Partitioning by ranges computes its input twice: once to sample it.
  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT id, y FROM answers ORDER BY y, id",
        "SELECT id, y FROM answers ORDER BY id",
        "SELECT /*+ REPARTITION_BY_RANGE(3, y) */ id, y FROM answers",
      })
  void sortsCostOneCallPerRow(String query) {
    for (String adaptive : List.of("true", "false")) {
      try (Application.Setting _ = spark.setting("spark.sql.adaptive.enabled", adaptive)) {
        assertThat(run(query, 1, ROWS)).hasSize(ROWS);
      }
    }
  }

  @Test
  void optionsMayBeRandom() {
    List<Row> rows =
        run(
            "SELECT llama4_complete(p, max_tokens => CAST(1 + 2 * rand(7) AS INT),"
                + " ignore_eos => true).usage.completion_tokens FROM prompts",
            1,
            ROWS);
    assertThat(rows).hasSize(ROWS).allSatisfy(row -> assertThat(row.getInt(0)).isBetween(1, 2));
  }

  @Test
  void otherFiltersGoFirst() {
    assertThat(run("SELECT id, y FROM answers WHERE id < 2", 1, 2)).hasSize(2);
    assertThat(run("SELECT id FROM answers WHERE y IS NOT NULL AND g = 1", 1, 3)).hasSize(3);
  }

  @Test
  void expressionsThatAlwaysNeedTheAnswerMayHoldTheCall() {
    run("SELECT nullif(llama4_generate(p, max_tokens => 3), 'x') FROM prompts", 1, ROWS);
    run("SELECT llama4_generate(p, max_tokens => 3) IN ('x', 'y') FROM prompts", 1, ROWS);
    run(
        "SELECT count(*) OVER (PARTITION BY llama4_generate(p, max_tokens => 3)) FROM prompts",
        1,
        ROWS);
    run("SELECT llama4_generate(p, max_tokens => 3) IS NOT NULL FROM prompts", 1, ROWS);
  }

  @Test
  void unusedCallsAreNotMade() {
    assertThat(run("SELECT id FROM answers", 0, 0)).hasSize(ROWS);
    assertThat(run("SELECT count(*) FROM answers", 0, 0).getFirst().getLong(0)).isEqualTo(ROWS);
  }

  @Test
  void viewsAndSubqueriesWork() {
    assertThat(run("SELECT id, y FROM answers ORDER BY id LIMIT 100", 1, ROWS)).hasSize(ROWS);
    assertThat(
            run(
                "WITH a AS (SELECT * FROM answers) SELECT (SELECT max(y) FROM a WHERE id = 3) AS y",
                1,
                1))
        .hasSize(1);
    assertThat(run("SELECT g, count(DISTINCT y) FROM answers GROUP BY g", 1, ROWS)).hasSize(2);
  }

  @Test
  void nestedCallsTakeAnOperatorForEachLevel() {
    run(
        "SELECT llama4_generate(llama4_generate(p, max_tokens => 3), max_tokens => 2) FROM prompts",
        2,
        2 * ROWS);
  }

  @Test
  void noRowsCostNothing() {
    Dataset<Row> query =
        spark.sql("SELECT llama4_complete(p) AS c FROM prompts WHERE g = CAST(rand() AS INT) + 7");
    assertThat(run(query, 1, 0)).isEmpty();
    assertThat(query.schema().fieldNames()).containsExactly("c");
    assertThat(run("SELECT llama4_generate(p) FROM prompts WHERE 1 = 0", 1, 0)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama4_generate", "try_llama4_generate", "llama4_complete"})
  void nullGivesNullWithoutACall(String function) {
    List<Row> rows =
        run(
            "SELECT id, " + function + "(IF(g = 0, NULL, p), max_tokens => 2) FROM prompts",
            1,
            ROWS / 2);
    assertThat(rows)
        .hasSize(ROWS)
        .allSatisfy(row -> assertThat(row.isNullAt(1)).isEqualTo(row.getLong(0) % 2 == 0));
    assertThat(run("SELECT " + function + "(NULL) FROM prompts", 1, 0))
        .allSatisfy(row -> assertThat(row.isNullAt(0)).isTrue());
  }

  @Test
  void messagesAreAskedAsTheTemplateSaysIt() {
    List<Row> rows =
        run(
            "SELECT llama4_complete(array(named_struct('role', 'user', 'content', p)),"
                + " max_tokens => 3).text, llama4_generate(p, max_tokens => 3) FROM prompts",
            1,
            // Rendered, the two are the same, and computed once.
            ROWS);
    assertThat(rows)
        .hasSize(ROWS)
        .allSatisfy(row -> assertThat(row.getString(0)).isEqualTo(row.getString(1)));
  }

  @Test
  void dataFramesCallThemToo() {
    Dataset<Row> prompts = spark.session().table("prompts").orderBy("id");
    List<Row> expected = spark.rows("SELECT y FROM answers ORDER BY id");
    assertThat(prompts.select(expr("llama4_generate(p, max_tokens => 3)")).collectAsList())
        .isEqualTo(expected);
    assertThat(
            prompts
                .select(
                    call_function("llama4_generate", col("p"), map(lit("max_tokens"), lit("3"))))
                .collectAsList())
        .isEqualTo(expected);
    assertThat(prompts.selectExpr("llama4_generate(p, max_tokens => 3)").collectAsList())
        .isEqualTo(expected);
  }

  @Test
  void explainNamesTheOperatorAndItsCalls() {
    String plan =
        spark.texts("EXPLAIN FORMATTED SELECT * FROM answers WHERE y LIKE 'L%'").getFirst();
    assertThat(plan).contains("Llama4Inference").contains("llama4_generate(");
    assertThat(plan.split("\\* ?Llama4Inference|- Llama4Inference", -1)).hasSize(2);
  }

  @Test
  void functionsTellHowTheyAreCalled() {
    String description =
        String.join("\n", spark.texts("DESCRIBE FUNCTION EXTENDED llama4_generate"));
    assertThat(description).contains("llama4_generate(prompt [, options])", "max_tokens");
  }
}
