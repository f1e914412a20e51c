package io.sparkllama4.spark;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.expr;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.storage.StorageLevel;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// Statements other than queries, and queries that come from elsewhere than SQL text.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StatementsWithCallsTest {
  private static final String CALL = "llama4_generate(p, max_tokens => 2)";

  private Application spark;

  @BeforeAll
  void start() {
    spark = Application.start("local[2]");
    ShapeTables.create(spark);
    spark.sql("CREATE TEMP VIEW expected AS SELECT id, looked_up(p, 2) AS y FROM t");
    // Asks the engine now, so that no test counts what the reference generates.
    spark.rows("SELECT * FROM expected");
  }

  @AfterAll
  void stop() {
    spark.close();
  }

  private void checkTable(String table) {
    assertThat(spark.rows("SELECT id, y FROM " + table + " ORDER BY id"))
        .isEqualTo(spark.rows("SELECT id, y FROM expected ORDER BY id"));
  }

  @Test
  void tablesAreWritten() {
    long before = Application.stats().generatedTokens();
    spark.sql("CREATE TABLE ctas USING parquet AS SELECT id, " + CALL + " AS y FROM t");
    assertThat(Application.stats().generatedTokens() - before).isLessThanOrEqualTo(2 * 20);
    checkTable("ctas");
    spark.sql("CREATE TABLE inserted (id BIGINT, y STRING) USING parquet");
    spark.sql("INSERT INTO inserted SELECT id, " + CALL + " FROM t ORDER BY id");
    checkTable("inserted");
    spark.sql(
        "INSERT OVERWRITE inserted SELECT id, CASE WHEN id >= 0 THEN " + CALL + " END FROM t");
    checkTable("inserted");
  }

  /// A table of a catalog that takes changes of single rows.
  @Test
  void answersAreMerged() {
    spark
        .session()
        .conf()
        .set(
            "spark.sql.catalog.rows",
            "org.apache.spark.sql.connector.catalog.InMemoryRowLevelOperationTableCatalog");
    spark.sql("CREATE TABLE rows.merged (id BIGINT, y STRING)");
    spark.sql("INSERT INTO rows.merged VALUES (1, 'old'), (2, 'old')");
    long before = Application.stats().generatedTokens();
    spark.sql(
        "MERGE INTO rows.merged AS m USING (SELECT id, "
            + CALL
            + " AS y FROM t) AS s ON m.id = s.id"
            + " WHEN MATCHED THEN UPDATE SET y = s.y WHEN NOT MATCHED THEN INSERT *");
    assertThat(Application.stats().generatedTokens() - before).isLessThanOrEqualTo(2 * 20);
    checkTable("rows.merged");
  }

  @Test
  void cachedTablesAnswerOnce() {
    spark.sql("CACHE TABLE cached AS SELECT id, " + CALL + " AS y FROM t");
    long before = Application.stats().generatedTokens();
    checkTable("cached");
    checkTable("cached");
    assertThat(Application.stats().generatedTokens()).isEqualTo(before);
    spark.sql("UNCACHE TABLE cached");
    Dataset<Row> kept =
        spark.sql("SELECT id, " + CALL + " AS y FROM t").persist(StorageLevel.MEMORY_ONLY());
    assertThat(kept.count()).isEqualTo(20);
    long after = Application.stats().generatedTokens();
    assertThat(kept.filter("y IS NOT NULL").count()).isEqualTo(20);
    assertThat(spark.sql("SELECT id, " + CALL + " AS y FROM t").count()).isEqualTo(20);
    assertThat(Application.stats().generatedTokens()).isEqualTo(after);
    kept.unpersist();
  }

  /// Parquet files and cached numbers come as batches of columns, which the operator reads itself.
  @Test
  void callsReadColumns() {
    spark.sql(
        "CREATE TABLE conversations USING parquet AS"
            + " SELECT id, array(named_struct('role', 'user', 'content', p)) AS m FROM t");
    spark.sql("CACHE TABLE columns AS SELECT id FROM t");
    checkColumns("SELECT id, " + CALL + " AS y FROM t");
    checkColumns(
        "SELECT id, llama4_generate(concat('prompt ', id), max_tokens => 2) AS y FROM columns");
    checkColumns("SELECT id, llama4_chat(m, max_tokens => 2) AS y FROM conversations");
    spark.sql("UNCACHE TABLE columns");
  }

  private void checkColumns(String query) {
    Dataset<Row> answers = spark.sql(query);
    assertThat(answers.collectAsList())
        .containsExactlyInAnyOrderElementsOf(spark.rows("SELECT id, y FROM expected"));
    assertThat(Operators.of(answers).plans())
        .hasSize(1)
        .allSatisfy(plan -> assertThat(plan.children().head().supportsColumnar()).isTrue());
  }

  @Test
  void viewsHoldCalls() {
    spark.sql("CREATE VIEW kept AS SELECT id, " + CALL + " AS y FROM t");
    checkTable("kept");
    spark.sql("DROP VIEW kept");
  }

  /// As with Spark's own functions: the unqualified name stays, unless the session says otherwise.
  @Test
  void temporaryFunctionsOfTheSameName() {
    for (String name : List.of("upper", "llama4_generate")) {
      spark.session().udf().register(name, (String p) -> "mine " + p, DataTypes.StringType);
      try {
        assertThat(spark.texts("SELECT string(" + name + "('x'))").getFirst())
            .doesNotStartWith("mine");
        assertThat(spark.texts("SELECT session." + name + "('x')")).containsExactly("mine x");
        try (Application.Setting _ =
            spark.setting("spark.sql.functionResolution.sessionOrder", "first")) {
          assertThat(spark.texts("SELECT string(" + name + "('x'))")).containsExactly("mine x");
        }
      } finally {
        spark.sql("DROP TEMPORARY FUNCTION " + name);
      }
      assertThat(spark.texts("SELECT string(" + name + "('x'))").getFirst())
          .doesNotStartWith("mine");
    }
  }

  @Test
  void parametersAndVariablesAreArguments() {
    List<Row> expected = spark.rows("SELECT y FROM expected WHERE id = 3");
    assertThat(
            spark
                .session()
                .sql(
                    "SELECT llama4_generate(:prompt, max_tokens => :n) AS y",
                    Map.of("prompt", "prompt 3", "n", 2))
                .collectAsList())
        .isEqualTo(expected);
    assertThat(
            spark
                .session()
                .sql(
                    "SELECT llama4_generate(p, map('max_tokens', ?), model => ?) AS y FROM t WHERE"
                        + " id = ?",
                    new Object[] {"2", "default", 3})
                .collectAsList())
        .isEqualTo(expected);
    spark.sql("DECLARE VARIABLE tokens INT = 2");
    spark.sql("DECLARE VARIABLE alias STRING = 'default'");
    assertThat(
            spark.rows(
                "SELECT llama4_generate('prompt 3', max_tokens => tokens, model => alias) AS y"))
        .isEqualTo(expected);
  }

  @Test
  void dataFramesTakeHeadAndSample() {
    Dataset<Row> answers = spark.session().table("t").select(col("id"), expr(CALL).as("y"));
    long before = Application.stats().generatedTokens();
    assertThat(answers.takeAsList(3)).hasSize(3);
    assertThat(answers.orderBy("id").limit(2).collectAsList())
        .isEqualTo(spark.rows("SELECT id, y FROM expected ORDER BY id LIMIT 2"));
    assertThat(Application.stats().generatedTokens() - before).isLessThanOrEqualTo(2 * 5);
    long sampled = Application.stats().generatedTokens();
    int kept = answers.sample(0.3, 7).collectAsList().size();
    assertThat(Application.stats().generatedTokens() - sampled).isLessThanOrEqualTo(2L * kept);
  }

  /// A limit that leaves many rows does not leave them to one task.
  @Test
  void manyRowsOfALimitAreSpread() {
    Dataset<Row> many = spark.sql("SELECT id, " + CALL + " AS y FROM t LIMIT 10001");
    assertThat(many.collectAsList())
        .containsExactlyInAnyOrderElementsOf(spark.rows("SELECT id, y FROM expected"));
    assertThat(Operators.of(many).sum("calls")).isEqualTo(20);
    assertThat(many.queryExecution().executedPlan().toString())
        .contains("RoundRobinPartitioning(3)");
    assertThat(
            List.of(
                spark.sql("SELECT id, " + CALL + " AS y FROM t LIMIT 10000"),
                spark.sql("SELECT id, " + CALL + " AS y FROM t ORDER BY id LIMIT 10001")))
        .allSatisfy(
            few ->
                assertThat(few.queryExecution().executedPlan().toString())
                    .doesNotContain("RoundRobinPartitioning"));
  }

  @Test
  void randomConditionsAreDrawnOnce() {
    List<Row> rows =
        spark.rows("SELECT p, rand(3) < 0.5 AS c, IF(rand(5) < 0.5, " + CALL + ", 'none') FROM t");
    assertThat(rows)
        .hasSize(20)
        .allSatisfy(row -> assertThat(row.isNullAt(2)).isFalse())
        .anySatisfy(row -> assertThat(row.getString(2)).isEqualTo("none"))
        .anySatisfy(row -> assertThat(row.getString(2)).isNotEqualTo("none"));
  }
}
