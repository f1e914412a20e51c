package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.sparkllama4.runtime.ModelHandle;
import java.util.List;
import org.apache.spark.sql.AnalysisException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What analysis refuses, before any model is loaded.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RefusedCallsTest {
  private Application spark;
  private int loads;

  @BeforeAll
  void start() {
    loads = ModelHandle.loads();
    spark = Application.start("local[2]");
    spark.sql("CREATE TEMP VIEW t AS SELECT id, string(id) AS p, id % 2 AS g FROM range(4)");
  }

  @AfterAll
  void stop() {
    spark.close();
    assertThat(ModelHandle.loads()).as("nothing was loaded").isEqualTo(loads);
    Leftovers.checkApplication();
  }

  /// Analyses `query`, which must fail; runs nothing.
  private void check(String query, String condition, String... hints) {
    assertThat(catchThrowable(() -> spark.sql(query).schema()))
        .as(query)
        .isInstanceOfSatisfying(
            AnalysisException.class,
            failure -> assertThat(failure.getCondition()).isEqualTo(condition));
    Failures failure = Failures.of(() -> spark.sql(query).schema());
    assertThat(failure.condition()).isEqualTo(condition);
    assertThat(failure.state()).matches("[0-9A-Z]{5}");
    assertThat(failure.message()).contains("[" + condition + "]");
    assertThat(List.of(hints)).allSatisfy(hint -> assertThat(failure.message()).contains(hint));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT transform(array(p), x -> llama4_generate(x)) FROM t",
        "SELECT filter(array(p), x -> llama4_generate(x) = 'y') FROM t",
        "SELECT aggregate(array(p), '', (a, x) -> llama4_generate(concat(a, x))) FROM t",
        "SELECT a.id FROM t a JOIN t b ON llama4_generate(concat(a.p, b.p)) = 'x'",
        "SELECT a.id FROM t a LEFT JOIN t b ON a.id = b.id AND llama4_generate(concat(a.p, b.p)) = 'x'",
        "SELECT id FROM t WHERE EXISTS (SELECT 1 FROM t b WHERE llama4_generate(concat(t.p, b.p)) = 'x')",
      })
  void placesWithoutRowsToAnswer(String query) {
    check(query, "LLAMA4_UNSUPPORTED_PLACE", "compute it in a query of its own", "SELECT ");
  }

  @Test
  void theRewritesThatTheErrorsNameWork() {
    assertThat(
            spark
                .sql(
                    "SELECT id, collect_list(llama4_generate(x)) FROM"
                        + " (SELECT id, array(p, 'b') AS items FROM t)"
                        + " LATERAL VIEW explode(items) AS x GROUP BY id")
                .schema()
                .fieldNames())
        .hasSize(2);
    assertThat(
            spark
                .sql(
                    "SELECT id FROM (SELECT a.id, llama4_generate(concat(a.p, b.p)) AS answer"
                        + " FROM t a JOIN t b ON a.id = b.id) WHERE answer = '...'")
                .schema()
                .fieldNames())
        .hasSize(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "llama4_generate(p, model => 'scuot') | LLAMA4_UNKNOWN_MODEL | default",
        "llama4_generate(p, model => '/etc/model') | LLAMA4_UNKNOWN_MODEL | spark.llama4.models.",
        "llama4_generate(p, map('model', 'b')) | LLAMA4_UNKNOWN_MODEL | default",
        "llama4_generate(p, model => p) | LLAMA4_INVALID_OPTION | literal",
        "llama4_generate(p, max_token => 3) | LLAMA4_UNKNOWN_OPTION | did you mean [max_tokens]",
        "llama4_complete(p, map('temprature', '1')) | LLAMA4_UNKNOWN_OPTION | [temperature]",
        "try_llama4_generate(p, topk => 3) | LLAMA4_UNKNOWN_OPTION | did you mean [top_k]",
        "llama4_generate(p, nonsense_option => 3) | LLAMA4_UNKNOWN_OPTION | repetition_penalty",
        "llama4_generate(p, max_tokens => 'many') | LLAMA4_INVALID_OPTION | an integer",
        "llama4_generate(p, max_tokens => 0) | LLAMA4_INVALID_OPTION | max_tokens",
        "llama4_generate(p, max_tokens => 2.5) | LLAMA4_INVALID_OPTION | an integer",
        "llama4_generate(p, temperature => -1) | LLAMA4_INVALID_OPTION | temperature",
        "llama4_generate(p, top_p => 1.5) | LLAMA4_INVALID_OPTION | top_p",
        "llama4_generate(p, raw => 'maybe') | LLAMA4_INVALID_OPTION | true or false",
        "llama4_generate(p, stop => named_struct('a', 1)) | LLAMA4_INVALID_OPTION | stop",
        "llama4_generate(p, on_long_prompt => 'cut') | LLAMA4_INVALID_OPTION | fail, null",
        "llama4_generate(p, on_long_prompt => 'truncate_heat') | LLAMA4_INVALID_OPTION"
            + " | truncate_head",
      })
  void unknownModelsAndOptions(String call, String condition, String hint) {
    check("SELECT " + call + " FROM t", condition, hint);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "llama4_generate() | WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
        "llama4_generate(p, map('seed', '1'), p) | WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
        "llama4_generate(max_tokens => 3) | REQUIRED_PARAMETER_NOT_FOUND",
        "llama4_generate(max_tokens => 3, p) | UNEXPECTED_POSITIONAL_ARGUMENT",
        "llama4_generate(prompt => p, p) | UNEXPECTED_POSITIONAL_ARGUMENT",
        "llama4_generate(p, seed => 1, seed => 2)"
            + " | DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT.DOUBLE_NAMED_ARGUMENT_REFERENCE",
        "llama4_generate(g) | DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        "llama4_generate(array(p)) | DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        "llama4_complete(array(named_struct('role', 1)))"
            + " | DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        "llama4_generate(p, 3) | DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        "llama4_generate(p, map(1, 2)) | DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        "llama4_generate(q) | UNRESOLVED_COLUMN.WITH_SUGGESTION",
        "llama4_generat(p) | UNRESOLVED_ROUTINE",
      })
  void sparksOwnConditions(String call, String condition) {
    check("SELECT " + call + " FROM t", condition);
  }

  @Test
  void viewsAreCheckedWhenTheyAreMade() {
    check(
        "CREATE TEMP VIEW v AS SELECT llama4_generate(p, max_tokns => 1) AS y FROM t",
        "LLAMA4_UNKNOWN_OPTION");
  }

  @Test
  void commandsThatWriteAreCheckedToo() {
    check(
        "CREATE TABLE written USING parquet AS"
            + " SELECT transform(array(p), x -> llama4_generate(x)) AS y FROM t",
        "LLAMA4_UNSUPPORTED_PLACE");
  }
}
