package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sparkllama4.cli.Console;
import io.sparkllama4.cli.spark.Main;
import io.sparkllama4.golden.Oracle;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The same rows whatever Spark does around them. Outputs differ in length, so that rows of a
/// partition are answered out of order, and are sampled, so that seeds count.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SameRowsTest {
  private static final int ROWS = 28;
  private static final String CALL =
      "llama4_complete(p, max_tokens => CAST(1 + id * 7 % 11 AS INT), temperature => 0.8)";

  @TempDir private Path scratch = Path.of("");
  private Application spark;
  private List<Row> expected = List.of();

  @BeforeAll
  void start() {
    spark = Application.start("local[4]");
    expected = spark.rows(query(prompts(3)));
    assertThat(expected)
        .hasSize(ROWS)
        .extracting(row -> row.getLong(0))
        .isSorted()
        .doesNotHaveDuplicates();
  }

  @AfterAll
  void stop() {
    spark.close();
  }

  private static String prompts(int partitions) {
    return "(SELECT id, concat('row ', id) AS p FROM range(0, "
        + ROWS
        + ", 1, "
        + partitions
        + "))";
  }

  private static String query(String table) {
    return "SELECT id, " + CALL + " AS c FROM " + table;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7})
  void inAnyNumberOfPartitionsAndInTheirOrder(int partitions) {
    Dataset<Row> query = spark.sql(query(prompts(partitions)));
    assertThat(query.javaRDD().getNumPartitions()).isEqualTo(partitions);
    assertThat(query.collectAsList()).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "spark.sql.codegen.wholeStage, false",
    "spark.sql.codegen.factoryMode, NO_CODEGEN",
    "spark.sql.adaptive.enabled, false",
    "spark.sql.adaptive.enabled, true",
  })
  void withAnySettingOfTheSession(String key, String value) {
    try (Application.Setting _ = spark.setting(key, value)) {
      assertThat(spark.rows(query(prompts(3)))).isEqualTo(expected);
      Dataset<Row> sorted =
          spark.sql(
              "SELECT id, max(c) AS c FROM (" + query(prompts(3)) + ") GROUP BY id ORDER BY id");
      assertThat(sorted.collectAsList()).isEqualTo(expected);
      assertThat(Operators.of(sorted).sum("calls")).isEqualTo(ROWS);
    }
  }

  @Test
  void fromColumnarInput() {
    String directory = scratch.resolve("prompts").toString();
    spark.sql("SELECT * FROM " + prompts(2)).write().parquet(directory);
    Dataset<Row> query = spark.sql(query("parquet.`" + directory + "`"));
    assertThat(query.queryExecution().executedPlan().toString())
        .contains("Batched: true")
        .doesNotContain("ColumnarToRow");
    List<Row> rows = new ArrayList<>(query.collectAsList());
    rows.sort((a, b) -> Long.compare(a.getLong(0), b.getLong(0)));
    assertThat(rows).isEqualTo(expected);
  }

  @Test
  void asTheyAreWritten() {
    String directory = scratch.resolve("answers").toString();
    spark.sql(query(prompts(2))).write().parquet(directory);
    assertThat(spark.rows("SELECT * FROM parquet.`" + directory + "` ORDER BY id"))
        .isEqualTo(expected);
  }

  @Test
  void asTheCommandLineGivesThem() throws IOException {
    ObjectMapper json = new ObjectMapper();
    List<String> requests = new ArrayList<>();
    for (int id = 0; id < ROWS; id++) {
      requests.add(
          json.writeValueAsString(
              json.createObjectNode()
                  .put("prompt", "row " + id)
                  .put("max_tokens", 1 + id * 7 % 11)
                  .put("temperature", 0.8)));
    }
    Path file = Files.write(scratch.resolve("requests.jsonl"), requests);
    ByteArrayOutputStream answer = new ByteArrayOutputStream();
    int status =
        Main.execute(
            new Console(answer, OutputStream.nullOutputStream()),
            "generate",
            "--model",
            Oracle.resources().resolve("scout").toString(),
            "--kv-tokens",
            "20000",
            "--requests",
            file.toString(),
            "--json");
    assertThat(status).isZero();
    JsonNode results = json.readTree(answer.toByteArray()).get("results");
    assertThat(results).hasSize(ROWS);
    for (int id = 0; id < ROWS; id++) {
      JsonNode result = results.get(id);
      Row value = expected.get(id).getStruct(1);
      assertThat(value.getString(0)).isEqualTo(result.get("text").textValue());
      assertThat(value.getString(1)).isEqualTo(result.get("finish_reason").textValue());
      JsonNode usage = result.get("usage");
      assertThat(value.getStruct(2).getInt(0)).isEqualTo(usage.get("prompt_tokens").intValue());
      assertThat(value.getStruct(2).getInt(1)).isEqualTo(usage.get("completion_tokens").intValue());
      assertThat(value.getLong(4)).isEqualTo(result.get("seed").longValue());
    }
  }
}
