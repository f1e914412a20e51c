package io.sparkllama4.sql;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.golden.Oracle;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// For each guard a query whose cost shows it: without the guard its rows pay for calls that they
/// do not need.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MissingGuardTest {
  private static final Map<Guards.Kind, String> QUERIES =
      new EnumMap<>(
          Map.of(
              Guards.Kind.IF, "SELECT IF(id < 2, llama4_generate(p), 'x') FROM t",
              Guards.Kind.CASE,
                  "SELECT CASE WHEN id < 2 THEN llama4_generate(p) WHEN id < 3 THEN 'y' END FROM t",
              Guards.Kind.COALESCE, "SELECT coalesce(s, llama4_generate(p)) FROM t",
              Guards.Kind.AND, "SELECT id < 2 AND llama4_generate(p) = 'x' FROM t",
              Guards.Kind.OR, "SELECT id < 2 OR llama4_generate(p) = 'x' FROM t",
              Guards.Kind.FILTER, "SELECT max(llama4_generate(p)) FILTER (WHERE id < 2) FROM t"));

  private SparkSession spark;

  @BeforeAll
  void start() {
    spark =
        SparkSession.builder()
            .master("local[1]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.extensions", "io.sparkllama4.udfs.Llama4Extensions")
            .config("spark.plugins", "io.sparkllama4.plugin.Llama4Plugin")
            .config("spark.llama4.model", Oracle.resources().resolve("scout").toString())
            .getOrCreate();
    spark.sql(
        "CREATE TEMP VIEW t AS SELECT id, string(id) AS p, IF(id < 2, NULL, string(id)) AS s"
            + " FROM range(4)");
  }

  @AfterAll
  void stop() {
    spark.stop();
  }

  /// The lifted calls of a query, as the plan shows them.
  private String calls(String query, Set<Guards.Kind> kinds) {
    LogicalPlan analysed = spark.sql(query).queryExecution().analyzed();
    LogicalPlan plan = new ExtractInference(kinds).apply(analysed);
    Map<String, String> calls = new HashMap<>();
    plan.foreach(
        ScalaInterop.<LogicalPlan>visitor(
            node -> {
              if (node instanceof Inference inference) {
                calls.put("calls", inference.calls().toString());
              }
            }));
    return calls.getOrDefault("calls", "");
  }

  @Test
  void everyGuardIsThereAndIsMissedWhenItIsNot() {
    assertThat(QUERIES).containsOnlyKeys(Guards.Kind.values());
    QUERIES.forEach(
        (kind, query) -> {
          Set<Guards.Kind> others = EnumSet.complementOf(EnumSet.of(kind));
          assertThat(calls(query, Guards.ALL)).as(query).contains("if (");
          assertThat(calls(query, others)).as(query).isNotEmpty().doesNotContain("if (");
        });
  }
}
