package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Four rows that no model can answer, among a thousand.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BrokenRowsTest {
  private static final long TOO_LONG = 100;
  private static final long NULL = 300;
  private static final long BROKEN = 500;
  private static final long EMPTY = 700;

  private Application spark;

  @BeforeAll
  void start() {
    spark = Application.start("local[4]");
    spark.sql(
        "CREATE TEMP VIEW prompts AS SELECT id, CASE id WHEN 100 THEN repeat('word ', 5000)"
            + " WHEN 300 THEN NULL WHEN 500 THEN CAST(X'61C328' AS STRING) WHEN 700 THEN ''"
            + " ELSE concat('row ', id) END AS p FROM range(0, 1000, 1, 4)");
  }

  @AfterAll
  void stop() {
    spark.close();
    Leftovers.checkApplication();
  }

  @Test
  void completeGivesEachItsOwnErrorAndAnswersTheOthers() {
    Dataset<Row> query =
        spark.sql("SELECT id, llama4_complete(p, raw => true, max_tokens => 1) AS c FROM prompts");
    List<Row> rows = query.collectAsList();
    assertThat(rows).extracting(row -> row.getLong(0)).isSorted().hasSize(1000);
    Map<Long, String> errors =
        rows.stream()
            .filter(row -> !row.isNullAt(1) && !row.getStruct(1).isNullAt(5))
            .collect(
                Collectors.toMap(
                    row -> row.getLong(0), row -> row.getStruct(1).getStruct(5).getString(0)));
    assertThat(errors)
        .isEqualTo(
            Map.of(TOO_LONG, "PROMPT_TOO_LONG", BROKEN, "INVALID_UTF8", EMPTY, "EMPTY_PROMPT"));
    assertThat(rows.get((int) NULL).isNullAt(1)).isTrue();
    assertThat(
            rows.stream()
                .filter(row -> !row.isNullAt(1) && row.getStruct(1).isNullAt(5))
                .filter(row -> row.getStruct(1).getStruct(2).getInt(1) == 1))
        .hasSize(996)
        .allSatisfy(row -> assertThat(row.getStruct(1).isNullAt(0)).isFalse());
    for (long failed : errors.keySet()) {
      Row value = rows.get((int) failed).getStruct(1);
      assertThat(value.isNullAt(0)).as("text of %s", failed).isTrue();
      assertThat(value.getString(1)).isEqualTo("error");
      assertThat(value.getStruct(2).getInt(1)).isZero();
    }
    Operators inference = Operators.of(query);
    assertThat(inference.sum("rows")).isEqualTo(1000);
    assertThat(inference.sum("calls")).isEqualTo(996);
    Leftovers.checkTasks();
  }

  @Test
  void tryGenerateGivesNullForThem() {
    List<Row> rows =
        spark.rows("SELECT id, try_llama4_generate(p, raw => true, max_tokens => 1) FROM prompts");
    assertThat(rows.stream().filter(row -> row.isNullAt(1)).map(row -> row.getLong(0)))
        .containsExactly(TOO_LONG, NULL, BROKEN, EMPTY);
    assertThat(rows).hasSize(1000);
  }

  @ParameterizedTest
  @CsvSource({
    "100, LLAMA4_PROMPT_TOO_LONG, 54000, on_long_prompt",
    "500, LLAMA4_INVALID_UTF8, 22021, make_valid_utf8",
    "700, LLAMA4_EMPTY_PROMPT, 22023, prompt",
  })
  void generateFailsWithTheRowsProblem(long id, String condition, String state, String helps) {
    Failures failure =
        Failures.of(
            () ->
                spark.rows(
                    "SELECT llama4_generate(p, raw => true, max_tokens => 1) FROM prompts"
                        + " WHERE id BETWEEN "
                        + (id - 2)
                        + " AND "
                        + (id + 2)));
    assertThat(failure.condition()).isEqualTo(condition);
    assertThat(failure.state()).isEqualTo(state);
    assertThat(failure.message()).contains(helps).contains("try_llama4_generate");
    assertThat(failure.message()).as("no text of the prompt").doesNotContain("word word");
    Leftovers.checkTasks();
  }

  @Test
  void generateFailsForTheWholeTableToo() {
    Failures failure =
        Failures.of(
            () ->
                spark.rows("SELECT llama4_generate(p, raw => true, max_tokens => 1) FROM prompts"));
    assertThat(failure.condition())
        .isIn("LLAMA4_PROMPT_TOO_LONG", "LLAMA4_INVALID_UTF8", "LLAMA4_EMPTY_PROMPT");
    assertThat(spark.texts("SELECT llama4_generate('next', max_tokens => 1)")).hasSize(1);
    Leftovers.checkTasks();
  }

  @Test
  void longPromptsMayGiveNull() {
    List<Row> rows =
        spark.rows(
            "SELECT llama4_generate(p, max_tokens => 1, on_long_prompt => 'null') FROM prompts"
                + " WHERE id BETWEEN 99 AND 101");
    assertThat(rows).extracting(row -> row.isNullAt(0)).containsExactly(false, true, false);
  }

  @Test
  void optionsOfARowCostThatRowAlone() {
    List<Row> rows =
        spark.rows(
            "SELECT llama4_complete(p, max_tokens => CAST(id AS INT)).error.code FROM prompts"
                + " WHERE id < 3");
    assertThat(rows).extracting(row -> row.get(0)).containsExactly("INVALID_OPTION", null, null);
  }
}
