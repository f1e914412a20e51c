package io.sparkllama4.spark;

import static org.apache.spark.sql.functions.array;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.struct;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sparkllama4.udfs.Llama4Functions;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import scala.jdk.javaapi.CollectionConverters;

/// Calls as columns give what the same calls give in SQL.
class FunctionColumnsTest {
  private static Application application = Application.start("local[2]");

  @BeforeAll
  static void makesTheTable() {
    application.sql(
        "CREATE TEMP VIEW t AS SELECT id, concat('text ', id) AS p FROM range(0, 4, 1, 2)");
  }

  @AfterAll
  static void stops() {
    application.close();
    Leftovers.checkApplication();
  }

  private static List<Row> rows(Column column) {
    return table().select(col("id"), column).collectAsList();
  }

  private static Dataset<Row> table() {
    return application.session().table("t").orderBy("id");
  }

  private static List<Row> sql(String expression) {
    return application.rows("SELECT id, " + expression + " FROM t ORDER BY id");
  }

  @Test
  void optionsAreTextsNumbersBooleansListsAndColumns() {
    Map<String, Object> options =
        Map.of(
            "max_tokens",
            3,
            "temperature",
            0.5,
            "seed",
            col("id"),
            "ignore_eos",
            true,
            "stop",
            List.of("never", "ever"));
    List<Row> expected =
        sql(
            "llama4_generate(p, max_tokens => 3, temperature => 0.5, seed => id, ignore_eos => true,"
                + " stop => array('never', 'ever'))");
    assertThat(rows(Llama4Functions.generate(col("p"), options))).isEqualTo(expected);
    assertThat(rows(Llama4Functions.tryGenerate(col("p"), options))).isEqualTo(expected);
    assertThat(
            rows(
                Llama4Functions.generate(
                    col("p"), CollectionConverters.asScala(options).toMap(null))))
        .as("options of Scala")
        .isEqualTo(expected);
  }

  @Test
  void optionsOfSqlNeedNoCommonTypeEither() {
    assertThat(sql("llama4_generate(p, map('max_tokens', 3, 'stop', array('never')))"))
        .isEqualTo(sql("llama4_generate(p, max_tokens => 3, stop => array('never'))"));
    assertThat(
            sql(
                "llama4_generate(p, map('max_tokens', 3, 'temperature', '0.5', 'seed', id,"
                    + " 'top_k', CAST(4.7 AS INT)))"))
        .isEqualTo(
            sql(
                "llama4_generate(p, max_tokens => 3, temperature => 0.5, seed => id,"
                    + " top_k => 4)"));
  }

  @Test
  void completeTakesMessages() {
    Column messages = array(struct(lit("user").as("role"), col("p").as("content")));
    assertThat(rows(Llama4Functions.complete(messages, Map.of("max_tokens", 2))))
        .isEqualTo(
            sql(
                "llama4_complete(array(named_struct('role', 'user', 'content', p)),"
                    + " max_tokens => 2)"));
  }

  @Test
  void withoutOptions() {
    assertThat(rows(Llama4Functions.tryGenerate(lit(null).cast("string"))))
        .isEqualTo(sql("try_llama4_generate(CAST(NULL AS STRING))"));
  }

  @Test
  void wrongNamesAreRefusedWithTheRightOnes() {
    assertThatThrownBy(
            () -> table().select(Llama4Functions.generate(col("p"), Map.of("max_token", 3))))
        .hasMessageContaining("LLAMA4_UNKNOWN_OPTION")
        .hasMessageContaining("max_tokens");
  }

  @Test
  void everyFunctionOfSqlHasItsMethod() {
    List<String> methods =
        Arrays.stream(Llama4Functions.class.getMethods())
            .map(java.lang.reflect.Method::getName)
            .toList();
    List<Row> functions = application.rows("SHOW FUNCTIONS LIKE '*llama4_*'");
    assertThat(functions).hasSizeGreaterThanOrEqualTo(3);
    for (Row function : functions) {
      String words = function.getString(0).replace("llama4_", "");
      String name =
          Pattern.compile("_([a-z])")
              .matcher(words)
              .replaceAll(match -> match.group(1).toUpperCase(Locale.ROOT));
      assertThat(methods).contains(name);
    }
  }
}
