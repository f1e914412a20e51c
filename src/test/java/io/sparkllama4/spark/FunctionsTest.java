package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sparkllama4.golden.Oracle;
import io.sparkllama4.plugin.ExecutorEngines;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.Prompt;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What each function gives, on two small checkpoints.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FunctionsTest {
  private static final String USER = "array(named_struct('role', 'user', 'content', ";

  private Application spark;

  @BeforeAll
  void start() {
    spark =
        Application.start(
            "local[2]",
            Map.of(
                "spark.llama4.model", Oracle.resources().resolve("scout").toString(),
                "spark.llama4.models.other", Oracle.resources().resolve("dense").toString(),
                "spark.llama4.kv.tokens", "20000"));
  }

  @AfterAll
  void stop() {
    spark.close();
    Leftovers.checkApplication();
  }

  @Test
  void tokensNeedNoModel() {
    int loads = ModelHandle.loads();
    Dataset<Row> query =
        spark.sql(
            "SELECT llama4_tokens(t), llama4_count_tokens(t), llama4_count_tokens(t, 'other'),"
                + " llama4_count_tokens(t, model => 'other') FROM VALUES ('two words'), (''), (NULL),"
                + " ('<|eot|>') AS v(t)");
    List<Row> rows = query.collectAsList();
    assertThat(ModelHandle.loads()).isEqualTo(loads);
    assertThat(Operators.of(query).sum("calls")).isZero();
    assertThat(Operators.of(query).sum("promptTokens")).isZero();
    var tokenizer = ExecutorEngines.get().engines().tokenizer("default");
    for (int row : List.of(0, 1, 3)) {
      String text = List.of("two words", "", "", "<|eot|>").get(row);
      List<Integer> ids = IntStream.of(tokenizer.encode(text)).boxed().toList();
      assertThat(rows.get(row).getList(0)).isEqualTo(ids);
      assertThat(rows.get(row).getInt(1)).isEqualTo(ids.size());
      assertThat(rows.get(row).getInt(2)).isEqualTo(rows.get(row).getInt(3));
    }
    assertThat(rows.get(1).getInt(1)).isZero();
    assertThat(rows.get(3).getInt(1)).as("a special string is text").isGreaterThan(1);
    assertThat(rows.get(2))
        .isEqualTo(org.apache.spark.sql.RowFactory.create(null, null, null, null));
  }

  @Test
  void chatContinuesWhatTheTemplateRenders() {
    List<Row> rows =
        spark.rows(
            "SELECT llama4_chat("
                + USER
                + "p)), max_tokens => 5), llama4_generate(p, max_tokens => 5), llama4_chat(IF(id = 0,"
                + " NULL, "
                + USER
                + "p))), map('max_tokens', '5')), llama4_chat(messages => "
                + USER
                + "p)), max_tokens => 5) FROM (SELECT id, concat('row ', id) AS p FROM range(3))");
    for (Row row : rows) {
      assertThat(row.getString(0)).isEqualTo(row.getString(1)).isEqualTo(row.getString(3));
    }
    assertThat(rows).extracting(row -> row.isNullAt(2)).containsExactly(true, false, false);
  }

  @Test
  void scoreGivesTheContinuationsLogProbabilities() {
    Row row =
        spark
            .rows(
                "SELECT llama4_score(p, c) AS s, llama4_score(p, c, raw => true) AS r,"
                    + " llama4_score(p, NULL), llama4_count_tokens(c), llama4_score(CAST(NULL AS"
                    + " STRING), c) FROM VALUES ('One, two', ', three <|eot|>') AS v(p, c)")
            .getFirst();
    Row score = row.getStruct(0);
    List<Double> perToken = score.getList(2);
    assertThat(score.getInt(1)).isEqualTo(perToken.size()).isEqualTo(row.getInt(3));
    assertThat(perToken).allSatisfy(value -> assertThat(value).isNegative());
    assertThat(score.getDouble(0))
        .isCloseTo(perToken.stream().mapToDouble(value -> value).sum(), within(1e-9));
    assertThat(row.getStruct(1)).isNotEqualTo(score);
    assertThat(row.isNullAt(2)).isTrue();
    assertThat(row.isNullAt(4)).isTrue();
  }

  /// The continuation's ids are its own, behind those of the prompt.
  @Test
  void scoreIsThatOfTheIds() throws InterruptedException {
    ModelHandle model = ExecutorEngines.get().engines().model("default");
    int[] prompt = model.encoder().encode(new Prompt.Text("One, two"), true);
    int[] continuation = model.encoder().alone(", three");
    int[] ids = IntStream.concat(IntStream.of(prompt), IntStream.of(continuation)).toArray();
    Row score =
        spark
            .rows("SELECT llama4_score('One, two', ', three', raw => true)")
            .getFirst()
            .getStruct(0);
    List<Double> perToken = score.getList(2);
    List<Double> all = OneRow.scores(model.engine(), ids);
    assertThat(perToken).isEqualTo(all.subList(prompt.length, ids.length));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "llama4_score('p', '') | LLAMA4_EMPTY_PROMPT | continuation",
        "llama4_score('', 'c', raw => true) | LLAMA4_EMPTY_PROMPT | prompt",
        "llama4_score(repeat('word ', 5000), 'c') | LLAMA4_PROMPT_TOO_LONG | tokens",
        "llama4_tokens(CAST(X'61C328' AS STRING)) | LLAMA4_INVALID_UTF8 | make_valid_utf8",
        "llama4_chat(array(named_struct('role', 'user', 'content', CAST(NULL AS STRING))))"
            + " | LLAMA4_INVALID_OPTION | content",
      })
  void aBrokenRowFailsTheQuery(String call, String condition, String hint) {
    Failures failure = Failures.of(() -> spark.rows("SELECT " + call));
    assertThat(failure.condition()).isEqualTo(condition);
    assertThat(failure.message()).contains(hint);
    Leftovers.checkTasks();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "llama4_tokens('a', max_tokens => 3) | LLAMA4_UNKNOWN_OPTION | expected [model]",
        "llama4_score('a', 'b', max_tokens => 3) | LLAMA4_UNKNOWN_OPTION | model, raw, timeout",
        "llama4_score('a', 'b', timout => 3) | LLAMA4_UNKNOWN_OPTION | did you mean [timeout]?",
        "llama4_score('a', 'b', timeout => 0) | LLAMA4_INVALID_OPTION | above 0",
        "llama4_generate('a', timeout => array(1)) | LLAMA4_INVALID_OPTION | a number",
        "llama4_tokens('a', 'nobody') | LLAMA4_UNKNOWN_MODEL | default, other",
        "llama4_tokens('a', '/models/x') | LLAMA4_UNKNOWN_MODEL | default, other",
        "llama4_chat('text') | DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE | ARRAY<STRUCT<role",
        "llama4_score('a', 1) | DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE | second",
        "llama4_score('a') | WRONG_NUM_ARGS.WITHOUT_SUGGESTION | 2",
        "llama4_score('a', raw => true) | REQUIRED_PARAMETER_NOT_FOUND | continuation",
        "llama4_tokens('a', 'default', 'b') | WRONG_NUM_ARGS.WITHOUT_SUGGESTION | 3",
      })
  void analysisRefuses(String call, String condition, String hint) {
    Failures failure = Failures.of(() -> spark.sql("SELECT " + call).schema());
    assertThat(failure.condition()).isEqualTo(condition);
    assertThat(failure.message()).contains(hint);
  }

  @Test
  void columnsOfAWrongTypeAreRefusedToo() {
    Failures failure =
        Failures.of(
            () -> spark.sql("SELECT llama4_generate('a', max_tokens => id > 1) FROM range(3)"));
    assertThat(failure.condition()).isEqualTo("LLAMA4_INVALID_OPTION");
    assertThat(failure.message()).contains("max_tokens", "BOOLEAN", "an integer");
  }

  @Test
  void optionsFromANullColumnAreNotGiven() {
    List<Row> rows =
        spark.rows(
            "SELECT llama4_generate(p, max_tokens => n, stop => s, timeout => t, on_long_prompt => l,"
                + " temperature => n, raw => b), llama4_generate(p, map('max_tokens', string(n))),"
                + " llama4_generate(p) FROM (SELECT concat('row ', id) AS p, CAST(NULL AS INT) AS n,"
                + " CAST(NULL AS STRING) AS s, CAST(NULL AS DOUBLE) AS t, CAST(NULL AS STRING) AS l,"
                + " CAST(NULL AS BOOLEAN) AS b FROM range(2))");
    assertThat(rows).hasSize(2);
    for (Row row : rows) {
      assertThat(row.getString(0)).isEqualTo(row.getString(2)).isEqualTo(row.getString(1));
    }
  }
}
