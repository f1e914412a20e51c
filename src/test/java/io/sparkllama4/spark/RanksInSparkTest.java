package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.golden.Oracle;
import io.sparkllama4.plugin.ExecutorEngines;
import io.sparkllama4.tensor.NativeArena;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// Rows of Spark on a model that two ranks share.
class RanksInSparkTest {
  private static final String QUERY =
      "SELECT llama4_generate(concat('row ', id), max_tokens => CAST(id % 4 + 1 AS INT)) AS y"
          + " FROM range(0, 24, 1, 3) ORDER BY id";

  @Test
  void rowsAreThoseOfTheEngine() {
    Map<String, String> conf =
        Map.of(
            "spark.llama4.model",
            Oracle.resources().resolve("scout").toString(),
            "spark.llama4.kv.tokens",
            "20000",
            "spark.llama4.ranks",
            "2");
    try (Application spark = Application.start("local[2]", conf)) {
      Answers.register(spark.session());
      List<String> texts = spark.texts(QUERY);
      assertThat(texts).hasSize(24).isEqualTo(spark.texts(Answers.reference(QUERY)));
      Backend backend = ExecutorEngines.get().engines().model("default").backend();
      assertThat(backend.ranks()).hasSize(2);
    }
    assertThat(NativeArena.openBytes()).isZero();
  }
}
