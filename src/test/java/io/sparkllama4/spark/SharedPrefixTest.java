package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.engine.EngineStats;
import io.sparkllama4.golden.Oracle;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;

/// What a call's prompts have in common at their beginning is computed once per executor.
class SharedPrefixTest {
  private static final String QUERY =
      "SELECT id, %s FROM (SELECT id, concat(repeat('Name the animal. ', 8), id) AS prompt"
          + " FROM range(0, 24, 1, 4))";

  private static Application start(String model, String prefixCache) {
    return Application.start(
        "local[4]",
        Map.of(
            "spark.llama4.model",
            Oracle.resources().resolve(model).toString(),
            "spark.llama4.kv.tokens",
            "20000",
            "spark.llama4.prefix.cache",
            prefixCache));
  }

  @Test
  void isComputedOnce() {
    String call = "llama4_generate(prompt, max_tokens => 4, raw => true)";
    List<Row> expected;
    long each;
    try (Application spark = start("chunked", "off")) {
      Dataset<Row> query = spark.sql(String.format(QUERY, call));
      expected = query.collectAsList();
      Operators inference = Operators.of(query);
      assertThat(inference.sum("cachedTokens")).isZero();
      assertThat(Application.stats().prefillTokens()).isEqualTo(inference.sum("promptTokens"));
      each = inference.sum("promptTokens") / 24;
    }
    Leftovers.checkApplication();
    try (Application spark = start("chunked", "on")) {
      EngineStats before = Application.stats();
      Dataset<Row> query = spark.sql(String.format(QUERY, call));
      assertThat(query.collectAsList()).containsExactlyInAnyOrderElementsOf(expected);
      EngineStats after = Application.stats();
      Operators inference = Operators.of(query);
      long cached = inference.sum("cachedTokens");
      long computed = after.prefillTokens() - before.prefillTokens();
      assertThat(computed).isEqualTo(inference.sum("promptTokens") - cached);
      // All but one row find all but their own tokens and the last, begun block of 8 before them.
      assertThat(computed).isLessThan(each + 23 * (8 + 8));
      assertThat(computed).as("at least one token of each").isGreaterThanOrEqualTo(each + 23);
    }
    Leftovers.checkApplication();
  }

  @Test
  void isSharedByCallsOfAllKindsAndByStatements() {
    try (Application spark = start("scout", "on")) {
      Dataset<Row> first =
          spark.sql(String.format(QUERY, "llama4_generate(prompt, max_tokens => 1)"));
      assertThat(first.collectAsList()).hasSize(24);
      for (String call :
          List.of(
              "llama4_complete(prompt, max_tokens => 2).text",
              "llama4_score(prompt, ' and more').logprob",
              "llama4_generate(prompt, max_tokens => 3, temperature => 1, seed => 5)")) {
        Dataset<Row> query = spark.sql(String.format(QUERY, call));
        assertThat(query.collectAsList()).hasSize(24);
        Operators inference = Operators.of(query);
        assertThat(inference.sum("cachedTokens"))
            .as(call)
            .isBetween(
                inference.sum("promptTokens") - 24 * 2 * 16, inference.sum("promptTokens") - 24);
      }
      Dataset<Row> labels =
          spark.sql(String.format(QUERY, "llama4_classify(prompt, array('cat', 'horse'))"));
      assertThat(labels.collectAsList()).hasSize(24);
      assertThat(Operators.of(labels).sum("cachedTokens"))
          .isGreaterThan(Operators.of(labels).sum("promptTokens") / 2);
    }
    Leftovers.checkApplication();
  }
}
