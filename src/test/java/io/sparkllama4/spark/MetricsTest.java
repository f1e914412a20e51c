package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.engine.EngineStats;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.execution.ui.SQLAppStatusStore;
import org.apache.spark.sql.execution.ui.SparkPlanGraphNode;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import scala.jdk.javaapi.CollectionConverters;

/// What an operator counts, against what its rows and the engine say.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MetricsTest {
  private Application spark;

  @BeforeAll
  void start() {
    spark = Application.start("local[2]");
    spark.rows("SELECT llama4_generate('first', max_tokens => 1)");
  }

  @AfterAll
  void stop() {
    spark.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"true", "false"})
  void areExact(String adaptive) throws TimeoutException {
    try (Application.Setting _ = spark.setting("spark.sql.adaptive.enabled", adaptive)) {
      checkCounts();
    }
  }

  private void checkCounts() throws TimeoutException {
    EngineStats before = Application.stats();
    Dataset<Row> query =
        spark.sql(
            "SELECT c.usage.prompt_tokens, c.usage.completion_tokens, c.error IS NULL FROM (SELECT"
                + " llama4_complete(CASE id WHEN 3 THEN NULL WHEN 5 THEN repeat('word ', 5000) ELSE"
                + " concat('row ', id) END, max_tokens => CAST(id % 4 + 1 AS INT)) AS c"
                + " FROM range(0, 12, 1, 3))");
    List<Row> rows = query.collectAsList();
    EngineStats after = Application.stats();
    Operators inference = Operators.of(query);
    assertThat(inference.count()).isEqualTo(1);
    assertThat(inference.sum("rows")).isEqualTo(12);
    assertThat(inference.sum("calls")).isEqualTo(10);
    List<Row> answered =
        rows.stream().filter(row -> !row.isNullAt(0) && row.getBoolean(2)).toList();
    assertThat(answered).hasSize(10);
    long prompt = answered.stream().mapToLong(row -> row.getInt(0)).sum();
    long generated = answered.stream().mapToLong(row -> row.getInt(1)).sum();
    assertThat(inference.sum("promptTokens")).isEqualTo(prompt).isPositive();
    assertThat(inference.sum("generatedTokens")).isEqualTo(generated).isPositive();
    long computed = after.prefillTokens() - before.prefillTokens();
    assertThat(inference.sum("cachedTokens")).isEqualTo(prompt - computed);
    assertThat(after.generatedTokens() - before.generatedTokens()).isEqualTo(generated);
    assertThat(inference.sum("prefillTime"))
        .isEqualTo(after.prefillNanos() - before.prefillNanos())
        .isPositive();
    // The engine keeps what a step's time leaves over when it is divided among its tokens.
    long decode = after.decodeNanos() - before.decodeNanos();
    assertThat(inference.sum("decodeTime")).isBetween(decode - prompt - generated, decode);
    checkUserInterface(prompt, generated);
  }

  /// The same numbers, as the SQL tab has them.
  private void checkUserInterface(long prompt, long generated) throws TimeoutException {
    SQLAppStatusStore store =
        ((org.apache.spark.sql.classic.SparkSession) spark.session()).sharedState().statusStore();
    spark.session().sparkContext().listenerBus().waitUntilEmpty();
    long execution = store.executionsList().last().executionId();
    List<SparkPlanGraphNode> nodes =
        CollectionConverters.<SparkPlanGraphNode>asJava(store.planGraph(execution).allNodes())
            .stream()
            .filter(node -> node.name().equals("Llama4Inference"))
            .toList();
    assertThat(nodes).hasSize(1);
    Map<Object, String> values =
        CollectionConverters.asJava(store.executionMetrics(execution)).entrySet().stream()
            .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    Map<String, String> shown =
        CollectionConverters.asJava(nodes.getFirst().metrics()).stream()
            .collect(
                Collectors.toMap(
                    metric -> metric.name(),
                    metric -> values.getOrDefault(metric.accumulatorId(), "")));
    assertThat(shown)
        .containsEntry("rows", "12")
        .containsEntry("model calls", "10")
        .containsEntry("prompt tokens", String.valueOf(prompt))
        .containsEntry("generated tokens", String.valueOf(generated))
        .containsKeys("cached tokens", "prefill time", "decode time");
    assertThat(shown.get("decode time")).contains("s");
  }
}
