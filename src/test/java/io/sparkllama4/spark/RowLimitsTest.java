package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.golden.Oracle;
import io.sparkllama4.model.KvGroup;
import io.sparkllama4.plugin.ExecutorEngines;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.tensor.DType;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;

/// What a row, and what a model may take: time, the cache, memory beside other models.
class RowLimitsTest {
  private static Map<String, String> conf(long kvTokens) {
    return Map.of(
        "spark.llama4.model", Oracle.resources().resolve("scout").toString(),
        "spark.llama4.models.other", Oracle.resources().resolve("dense").toString(),
        "spark.llama4.models.same", Oracle.resources().resolve("scout").toString(),
        "spark.llama4.kv.tokens", String.valueOf(kvTokens));
  }

  @Test
  void rowsThatTakeTooMuchFailAlone() {
    try (Application spark = Application.start("local[2]", conf(160))) {
      List<Row> rows =
          spark.rows(
              "SELECT id, llama4_complete(IF(id = 1, repeat('word ', 200), concat('row ', id)),"
                  + " max_tokens => 3, timeout => IF(id = 2, 1e-9, NULL)).error FROM range(6)");
      for (Row row : rows) {
        long id = row.getLong(0);
        if (id == 1) {
          assertThat(row.getStruct(1).getString(0)).isEqualTo("NOT_ENOUGH_MEMORY");
          assertThat(row.getStruct(1).getString(1)).contains("spark.llama4.kv.tokens");
        } else if (id == 2) {
          assertThat(row.getStruct(1).getString(0)).isEqualTo("TIMEOUT");
          assertThat(row.getStruct(1).getString(1)).contains("timeout", "0.000000001");
        } else {
          assertThat(row.isNullAt(1)).as("row %s", row).isTrue();
        }
      }
      Failures late = Failures.of(() -> spark.rows("SELECT llama4_generate('a', timeout => 1e-9)"));
      assertThat(late.condition()).isEqualTo("LLAMA4_TIMEOUT");
      assertThat(late.state()).isEqualTo("57014");
      List<Row> invalid =
          spark.rows(
              "SELECT llama4_complete('a', max_tokens => 1, timeout => id - 1).error.code,"
                  + " llama4_complete('a', max_tokens => 1, on_long_prompt => IF(id = 0, 'x',"
                  + " 'FAIL')).error.code FROM range(3)");
      assertThat(invalid)
          .extracting(row -> row.get(0))
          .containsExactly("INVALID_OPTION", "INVALID_OPTION", null);
      assertThat(invalid)
          .extracting(row -> row.get(1))
          .containsExactly("INVALID_OPTION", null, null);
      Leftovers.checkTasks();
    }
    Leftovers.checkApplication();
  }

  @Test
  void severalModelsAnswerOneQuery() {
    try (Application spark = Application.start("local[2]", conf(20_000))) {
      int loads = ModelHandle.loads();
      List<Row> rows =
          spark.rows(
              "SELECT llama4_generate(p, max_tokens => 5), llama4_generate(p, max_tokens => 5, model"
                  + " => 'other'), llama4_generate(p, map('max_tokens', '5', 'model', 'other'))"
                  + " FROM (SELECT concat('row ', id) AS p FROM range(4))");
      assertThat(ModelHandle.loads() - loads).as("the third is not loaded").isEqualTo(2);
      for (Row row : rows) {
        assertThat(row.getString(0)).isNotEqualTo(row.getString(1));
        assertThat(row.getString(1)).isEqualTo(row.getString(2));
      }
      Failures unknown =
          Failures.of(() -> spark.sql("SELECT llama4_generate('a', model => 'fourth')").schema());
      assertThat(unknown.condition()).isEqualTo("LLAMA4_UNKNOWN_MODEL");
      assertThat(unknown.message()).contains("default, other, same");
    }
    Leftovers.checkApplication();
  }

  /// Each fits the machine alone. The first has taken nothing of its cache when the second comes.
  @Test
  void aSecondModelGetsWhatTheFirstHasNotPlanned() {
    long tokens;
    try (Application _ = Application.start("local[2]", conf(2000))) {
      ModelHandle model = ExecutorEngines.get().engines().model("default");
      long perToken =
          model.checkpoint().spec().kvBytesPerToken(KvGroup.GLOBAL, DType.F32)
              + model.checkpoint().spec().kvBytesPerToken(KvGroup.CHUNKED, DType.F32);
      // Other programs may take or free a fifth of the memory meanwhile.
      tokens = model.backend().freeBytes() * 75 / 100 / perToken;
    }
    assertThat(tokens).isLessThan(Integer.MAX_VALUE / 2);
    try (Application spark = Application.start("local[2]", conf(tokens))) {
      assertThat(spark.rows("SELECT llama4_generate('a', max_tokens => 1)")).hasSize(1);
      Failures failure =
          Failures.of(
              () -> spark.rows("SELECT llama4_generate('a', max_tokens => 1, model => 'same')"));
      assertThat(failure.condition()).isEqualTo("LLAMA4_NOT_ENOUGH_MEMORY");
      assertThat(failure.message())
          .contains("spark.llama4.kv.tokens", "other models", "bytes needed");
    }
    try (Application spark = Application.start("local[2]", conf(tokens))) {
      assertThat(spark.rows("SELECT llama4_generate('a', max_tokens => 1, model => 'same')"))
          .as("alone it fits")
          .hasSize(1);
    }
    Leftovers.checkApplication();
  }
}
