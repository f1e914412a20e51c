package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sparkllama4.cli.Console;
import io.sparkllama4.cli.spark.Main;
import io.sparkllama4.golden.Oracle;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `spark-llama4 sql`: its document, its tables, its exit status.
class SqlCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String MODEL = Oracle.resources().resolve("dense").toString();

  @TempDir private Path scratch = Path.of("");

  /// What a command printed.
  ///
  /// @param status its exit status
  /// @param answer standard output
  /// @param notes standard error
  private record Outcome(int status, String answer, String notes) {
    /// The answer, which must be one document on a line of its own.
    JsonNode document() throws IOException {
      assertThat(answer).endsWith("\n");
      assertThat(answer.strip().lines()).hasSize(1);
      return JSON.readTree(answer);
    }
  }

  private static Outcome run(String... args) {
    ByteArrayOutputStream answer = new ByteArrayOutputStream();
    ByteArrayOutputStream notes = new ByteArrayOutputStream();
    int status = Main.execute(new Console(answer, notes), args);
    return new Outcome(
        status, answer.toString(StandardCharsets.UTF_8), notes.toString(StandardCharsets.UTF_8));
  }

  private static Outcome sql(String query, String... more) {
    List<String> args =
        new ArrayList<>(
            List.of("sql", "--model", MODEL, "--conf", "spark.llama4.kv.tokens=4000", "--json"));
    args.addAll(List.of("-q", query));
    args.addAll(List.of(more));
    return run(args.toArray(String[]::new));
  }

  @AfterEach
  void leavesNothing() {
    Leftovers.checkApplication();
  }

  @Test
  void printsADocumentOfAllStatements() throws IOException {
    Outcome outcome =
        sql(
            "CREATE TEMP VIEW t AS SELECT id, concat('row; ', id) AS p FROM range(0, 5, 1, 2);"
                + "; -- nothing; here\n ;"
                + "SELECT id, llama4_generate(IF(id = 1, NULL, p), max_tokens => 2) AS y FROM t;"
                + "SELECT llama4_complete(p, max_tokens => 2) AS c FROM t WHERE id = 4;"
                + "SELECT 1 AS one WHERE 1 = 0",
            "--master",
            "local[2]");
    JsonNode document = outcome.document();
    assertThat(outcome.status()).isZero();
    assertThat(document.properties())
        .extracting(entry -> entry.getKey())
        .containsExactlyInAnyOrder("schema", "statements", "model_loads", "memory_after_close");
    assertThat(document.get("schema").textValue()).isEqualTo("spark-llama4.sql.v1");
    assertThat(document.get("model_loads").intValue()).isEqualTo(1);
    assertThat(document.get("memory_after_close"))
        .isEqualTo(JSON.readTree("{\"arrow_bytes\": 0, \"native_bytes\": 0}"));
    JsonNode statements = document.get("statements");
    assertThat(statements).hasSize(4).allSatisfy(SqlCommandTest::checkKeys);
    assertThat(statements.get(0).get("columns")).isEmpty();
    checkGenerated(statements.get(1));
    JsonNode value = statements.get(2).get("rows").get(0).get(0);
    assertThat(value.properties())
        .extracting(entry -> entry.getKey())
        .containsExactly("text", "finish_reason", "usage", "model", "seed", "error");
    assertThat(value.get("model").textValue()).isEqualTo("default");
    assertThat(value.get("error").isNull()).isTrue();
    assertThat(statements.get(2).get("metrics").get("prompt_tokens"))
        .isEqualTo(value.get("usage").get("prompt_tokens"));
    assertThat(statements.get(3).get("rows")).isEmpty();
    assertThat(statements.get(3).get("columns")).hasSize(1);
  }

  private static void checkKeys(JsonNode statement) {
    assertThat(statement.properties())
        .extracting(entry -> entry.getKey())
        .containsExactlyInAnyOrder("columns", "rows", "plan", "operators", "metrics", "error");
    assertThat(statement.get("metrics").properties())
        .extracting(entry -> entry.getKey())
        .containsExactlyInAnyOrder(
            "rows", "calls", "prompt_tokens", "cached_tokens", "generated_tokens");
  }

  private static void checkGenerated(JsonNode statement) throws IOException {
    assertThat(statement.get("columns"))
        .isEqualTo(
            JSON.readTree(
                "[{\"name\": \"id\", \"type\": \"bigint\"},"
                    + " {\"name\": \"y\", \"type\": \"string\"}]"));
    assertThat(statement.get("rows")).hasSize(5);
    assertThat(statement.get("rows").get(1).get(1).isNull()).isTrue();
    assertThat(statement.get("rows").get(2).get(1).isTextual()).isTrue();
    assertThat(statement.get("plan").textValue()).contains("Llama4Inference");
    assertThat(statement.get("operators").intValue()).isEqualTo(1);
    assertThat(statement.get("metrics").get("rows").intValue()).isEqualTo(5);
    assertThat(statement.get("metrics").get("calls").intValue()).isEqualTo(4);
    assertThat(statement.get("metrics").get("generated_tokens").intValue()).isBetween(4, 8);
    assertThat(statement.get("error").isNull()).isTrue();
  }

  @Test
  void triesAllStatementsAndThenFails() throws IOException {
    Outcome outcome =
        sql(
            "SELECT llama4_generate('', raw => true);"
                + "SELECT llama4_generate('a', max_token => 1);"
                + "SELEC 1; SELECT 1 / 0; SELECT nothing FROM nowhere; SELECT 2 AS two");
    assertThat(outcome.status()).isEqualTo(1);
    JsonNode statements = outcome.document().get("statements");
    assertThat(statements).hasSize(6).allSatisfy(SqlCommandTest::checkKeys);
    assertThat(statements)
        .extracting(statement -> statement.get("error").path("condition").textValue())
        .containsExactly(
            "LLAMA4_EMPTY_PROMPT",
            "LLAMA4_UNKNOWN_OPTION",
            "PARSE_SYNTAX_ERROR",
            "DIVIDE_BY_ZERO",
            "TABLE_OR_VIEW_NOT_FOUND",
            null);
    assertThat(statements)
        .extracting(statement -> statement.get("error").path("sqlState").textValue())
        .containsExactly("22023", "42704", "42601", "22012", "42P01", null);
    for (int i = 0; i < 5; i++) {
      assertThat(statements.get(i).get("columns")).isEmpty();
      assertThat(statements.get(i).get("rows")).isEmpty();
      assertThat(statements.get(i).get("operators").intValue()).isZero();
      assertThat(statements.get(i).get("metrics")).allMatch(value -> value.intValue() == 0);
      assertThat(statements.get(i).get("error").get("message").textValue()).isNotEmpty();
    }
    assertThat(statements.get(5).get("rows").toString()).isEqualTo("[[2]]");
  }

  @Test
  void writesValuesOfEveryType() throws IOException {
    Outcome outcome =
        sql(
            "SELECT true, CAST(1 AS TINYINT), 2S, 3, 4L, 5.25BD, CAST(0.1 AS FLOAT), 0.1D,"
                + " 1e300D, 'text', NULL, array(1, NULL), array('a'), array(array(1.5D)),"
                + " named_struct('camelCase', 1, 'b', CAST(NULL AS STRING)),"
                + " array(named_struct('d', DATE'2024-02-29'));"
                + "SELECT DATE'2024-02-29', TIMESTAMP_NTZ'2024-02-29 12:30:00',"
                + " TIMESTAMP'2024-02-29 12:30:00.5', X'6162', map('k', 1), INTERVAL '1' DAY,"
                + " CAST('NaN' AS DOUBLE), CAST('-Infinity' AS FLOAT)",
            "--conf",
            "spark.sql.session.timeZone=UTC");
    assertThat(outcome.status()).as(outcome.answer()).isZero();
    JsonNode statements = outcome.document().get("statements");
    assertThat(statements.get(0).get("rows").get(0))
        .isEqualTo(
            JSON.readTree(
                "[true, 1, 2, 3, 4, 5.25, 0.1, 0.1, 1e300, \"text\", null, [1, null], [\"a\"],"
                    + " [[1.5]], {\"camelCase\": 1, \"b\": null}, [{\"d\": \"2024-02-29\"}]]"));
    assertThat(statements.get(0).get("columns").get(14).get("type").textValue())
        .isEqualTo("struct<camelCase:int,b:string>");
    assertThat(statements.get(1).get("rows").get(0))
        .isEqualTo(
            JSON.readTree(
                "[\"2024-02-29\", \"2024-02-29 12:30:00\", \"2024-02-29 12:30:00.5\", \"ab\","
                    + " \"{\\\"k\\\":1}\", \"1 00:00:00.000000000\", \"NaN\", \"-Infinity\"]"));
  }

  @Test
  void countsOperatorsOfSubqueriesAndReusedPartsOnce() throws IOException {
    Outcome outcome =
        sql(
            "CREATE TEMP VIEW a AS SELECT id, llama4_generate(string(id), max_tokens => 1) AS y"
                + " FROM range(0, 4, 1, 2);"
                + "SELECT id FROM range(4) WHERE id < (SELECT length(max(y)) + 100 FROM a);"
                + "WITH g AS (SELECT y, count(*) AS n FROM a GROUP BY y)"
                + " SELECT * FROM g x JOIN g z ON x.y = z.y;"
                + "CACHE TABLE kept AS SELECT * FROM a; SELECT * FROM kept ORDER BY id");
    assertThat(outcome.status()).as(outcome.answer()).isZero();
    JsonNode statements = outcome.document().get("statements");
    assertThat(calls(statements.get(1))).isEqualTo(4);
    assertThat(statements.get(1).get("operators").intValue()).isEqualTo(1);
    assertThat(calls(statements.get(2))).isEqualTo(4);
    assertThat(statements.get(2).get("operators").intValue()).isEqualTo(1);
    assertThat(statements.get(4).get("rows")).hasSize(4);
    assertThat(calls(statements.get(4))).isZero();
  }

  private static int calls(JsonNode statement) {
    return statement.get("metrics").get("calls").intValue();
  }

  @Test
  void readsFilesAndPrintsTablesWithoutJson() throws IOException {
    Path file = Files.writeString(scratch.resolve("q.sql"), "SELECT 'größer' AS y;\nSELECT 1/0;");
    Outcome outcome = run("sql", "--model", "tiny=" + MODEL, "-f", file.toString());
    assertThat(outcome.status()).isEqualTo(1);
    assertThat(outcome.answer()).contains("|größer|").doesNotContain("{");
    assertThat(outcome.notes()).contains("DIVIDE_BY_ZERO");
  }

  @Test
  void refusesWhatItCannotStart() throws IOException {
    Outcome outcome = sql("SELECT 1", "--conf", "spark.llama4.kernels=quick");
    assertThat(outcome.status()).isEqualTo(1);
    JsonNode error = outcome.document().get("error");
    assertThat(error.get("code").textValue()).isEqualTo("INVALID_OPTION");
    assertThat(error.get("key").textValue()).isEqualTo("spark.llama4.kernels");
    Outcome missing = run("sql", "--model", "/no/such", "-q", "SELECT 1", "--json");
    assertThat(missing.status()).isEqualTo(1);
    assertThat(missing.document().get("error").get("code").textValue()).isEqualTo("MISSING_FILE");
    Outcome both = sql("SELECT 1", "-f", "x.sql");
    assertThat(both.status()).isEqualTo(2);
    Outcome none = run("sql", "--model", MODEL, "--json");
    assertThat(none.status()).isEqualTo(2);
  }

  @Test
  void severalModelsHaveAliases() throws IOException {
    Outcome outcome =
        sql(
            "SELECT llama4_complete('x', model => 'other', max_tokens => 1).model,"
                + " llama4_complete('x', max_tokens => 1).model",
            "--model",
            "other=" + Oracle.resources().resolve("new-config"));
    assertThat(outcome.status()).isZero();
    assertThat(outcome.document().get("statements").get(0).get("rows").toString())
        .isEqualTo("[[\"other\",\"default\"]]");
    assertThat(outcome.document().get("model_loads").intValue()).isEqualTo(2);
  }
}
