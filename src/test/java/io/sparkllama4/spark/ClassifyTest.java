package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.engine.EngineStats;
import io.sparkllama4.plugin.ExecutorEngines;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.Prompt;
import java.nio.file.Path;
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

/// `llama4_classify` gives what scoring every label gives, from one computed prompt a row.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ClassifyTest {
  private static final Path EXAMPLES = Path.of(System.getProperty("sparkllama4.root"), "examples");

  private static final String LABELS =
      "array('billing', 'shipping', 'technical', 'sales', 'shipping delay')";

  private Application spark;

  @BeforeAll
  void start() {
    spark =
        Application.start(
            "local[2]",
            Map.of(
                "spark.llama4.model",
                EXAMPLES.resolve("models/tickets").toString(),
                "spark.llama4.kv.tokens",
                "40000"));
    Dataset<Row> all =
        spark
            .session()
            .read()
            .parquet(EXAMPLES.resolve("data/tickets-held-out.parquet").toString());
    // Rows in memory: a LIMIT may have more rows asked than it gives.
    List<Row> rows = all.limit(200).collectAsList();
    spark.session().createDataFrame(rows, all.schema()).createOrReplaceTempView("tickets");
    spark
        .session()
        .createDataFrame(rows.subList(0, 5), all.schema())
        .createOrReplaceTempView("few");
  }

  @AfterAll
  void stop() {
    spark.close();
    Leftovers.checkApplication();
  }

  /// The documented prompt, written out.
  private static final String PROMPT =
      "concat('Classify the text with one of the labels below. Answer with the label only.\\n\\n"
          + "Labels:\\n', concat_ws('\\n', transform("
          + LABELS
          + ", x -> concat('- ', x))), '\\n\\nText:\\n', text)";

  @Test
  void givesTheLabelWithTheHighestScore() {
    Dataset<Row> classified =
        spark.sql("SELECT id, llama4_classify(text, " + LABELS + ") AS label FROM tickets");
    EngineStats before = Application.stats();
    List<Row> labels = classified.collectAsList();
    EngineStats after = Application.stats();
    Operators inference = Operators.of(classified);
    assertThat(inference.sum("calls")).isEqualTo(200);
    assertThat(inference.sum("generatedTokens")).isZero();
    // One prompt for each row, and few tokens of labels: those that another one follows, of labels
    // that may win.
    long computed = inference.sum("promptTokens");
    long cached = inference.sum("cachedTokens");
    long behindPrompts = computed - promptTokens();
    assertThat(behindPrompts).isBetween(0L, 200L * labelTokens() / 2);
    assertThat(after.preemptions()).isEqualTo(before.preemptions());
    assertThat(after.prefillTokens() - before.prefillTokens()).isEqualTo(computed - cached);

    List<Row> perToken =
        spark.rows(
            "SELECT id, llama4_classify(text, "
                + LABELS
                + ", normalization => 'per_token') FROM tickets");
    List<Row> exhaustive =
        spark.rows(
            "SELECT id, max_by(label, struct(s.logprob, -place)), max_by(label, struct(s.logprob /"
                + " s.tokens, -place)) FROM (SELECT id, place, label, llama4_score(prompt, label) AS s"
                + " FROM (SELECT id, "
                + PROMPT
                + " AS prompt, posexplode("
                + LABELS
                + ") AS (place, label) FROM tickets)) GROUP BY id");
    Map<String, List<String>> best =
        exhaustive.stream()
            .collect(
                Collectors.toMap(
                    row -> row.getString(0), row -> List.of(row.getString(1), row.getString(2))));
    assertThat(best).hasSize(200);
    assertThat(labels)
        .hasSize(200)
        .allSatisfy(
            row ->
                assertThat(row.getString(1))
                    .isEqualTo(best.getOrDefault(row.getString(0), List.of("", "")).get(0)));
    assertThat(perToken)
        .hasSize(200)
        .allSatisfy(
            row ->
                assertThat(row.getString(1))
                    .isEqualTo(best.getOrDefault(row.getString(0), List.of("", "")).get(1)));
    assertThat(best.values().stream().map(pair -> pair.get(0)).distinct().count())
        .as("labels that were chosen")
        .isGreaterThan(2);
  }

  private long promptTokens() {
    ModelHandle model = ExecutorEngines.get().engines().model("default");
    return spark.texts("SELECT " + PROMPT + " FROM tickets").stream()
        .mapToLong(prompt -> model.encoder().encode(new Prompt.Text(prompt), false).length)
        .sum();
  }

  /// Different beginnings of labels that something follows.
  private long labelTokens() {
    return spark
        .rows(
            "SELECT count(DISTINCT slice(ids, 1, n)) FROM (SELECT ids, explode(sequence(1,"
                + " size(ids) - 1)) AS n FROM (SELECT llama4_tokens(label) AS ids FROM (SELECT"
                + " explode("
                + LABELS
                + ") AS label)) WHERE size(ids) > 1)")
        .getFirst()
        .getLong(0);
  }

  @Test
  void asksWhatItsOptionsSay() {
    List<Row> rows =
        spark.rows(
            "SELECT raw, IF(a0 >= b0, 'a', 'b'), described, IF(a1 >= b1, 'a', 'b') FROM (SELECT"
                + " llama4_classify(text, array('a', 'b'), raw => true) AS raw,"
                + " llama4_score(text, 'a', raw => true).logprob AS a0,"
                + " llama4_score(text, 'b', raw => true).logprob AS b0,"
                + " llama4_classify(text, l, descriptions => map('b', 'the second'), instruction =>"
                + " 'Do.') AS described,"
                + " llama4_score(p, 'a').logprob AS a1, llama4_score(p, 'b').logprob AS b1"
                + " FROM (SELECT text, split('a b', ' ') AS l, concat('Do.\\n\\nLabels:\\n- a\\n- b: the"
                + " second\\n\\nText:\\n', text) AS p FROM few))");
    assertThat(rows).hasSize(5);
    for (Row row : rows) {
      assertThat(row.getString(0)).isEqualTo(row.getString(1));
      assertThat(row.getString(2)).isEqualTo(row.getString(3));
    }
  }

  @Test
  void nullGivesNull() {
    Row row =
        spark
            .rows(
                "SELECT llama4_classify(NULL, array('a', 'b')), llama4_classify('x', CAST(NULL AS"
                    + " ARRAY<STRING>)), llama4_classify(repeat('word ', 20000), array('a', 'b'),"
                    + " on_long_prompt => 'null')")
            .getFirst();
    assertThat(row.isNullAt(0)).isTrue();
    assertThat(row.isNullAt(1)).isTrue();
    assertThat(row.isNullAt(2)).isTrue();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "array('a') | 2 to 500",
        "split(repeat('a,', 500), ',') | 501 labels",
        "array('a', NULL) | NULL as label [1]",
        "array('a', '') | empty",
        "array('a', 'b', 'a') | label [2] a second time",
      })
  void labelsAreCheckedWhereverTheyStand(String labels, String hint) {
    Failures literal =
        Failures.of(() -> spark.sql("SELECT llama4_classify('x', " + labels + ")").schema());
    assertThat(literal.condition()).isEqualTo("LLAMA4_INVALID_OPTION");
    assertThat(literal.message()).contains(hint, "labels");
    Failures column =
        Failures.of(
            () ->
                spark.rows(
                    "SELECT llama4_classify('x', IF(id > 9, NULL, " + labels + ")) FROM range(1)"));
    assertThat(column.condition()).isEqualTo("LLAMA4_INVALID_OPTION");
    assertThat(column.message()).contains(hint, "labels");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "descriptions => map('c', 'x') | LLAMA4_INVALID_OPTION | expected [a, b]",
        "descriptions => 'x' | LLAMA4_INVALID_OPTION | a map of texts",
        "normalization => 'mean' | LLAMA4_INVALID_OPTION | total, per_token",
        "max_tokens => 3 | LLAMA4_UNKNOWN_OPTION | descriptions, instruction, model, normalization",
        "normalisation => 'total' | LLAMA4_UNKNOWN_OPTION | did you mean [normalization]?",
      })
  void optionsAreChecked(String option, String condition, String hint) {
    Failures failure =
        Failures.of(
            () ->
                spark.sql("SELECT llama4_classify('x', array('a', 'b'), " + option + ")").schema());
    assertThat(failure.condition()).isEqualTo(condition);
    assertThat(failure.message()).contains(hint);
  }

  @Test
  void fiveHundredLabels() {
    List<String> labels =
        spark.texts(
            "SELECT llama4_classify(text, transform(sequence(1, 500), x -> concat('label ', x)),"
                + " raw => true) FROM few");
    assertThat(labels).hasSize(5).allMatch(label -> label.matches("label \\d+"));
  }
}
