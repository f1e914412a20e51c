package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What `DESCRIBE FUNCTION EXTENDED` says of each function; its examples print what they say, with
/// the bundled model.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FunctionExamplesTest {
  private Application spark;

  @BeforeAll
  void start() {
    Path model = Path.of(System.getProperty("sparkllama4.root"), "examples/models/tickets");
    spark =
        Application.start(
            "local[2]",
            Map.of("spark.llama4.model", model.toString(), "spark.llama4.kv.tokens", "20000"));
  }

  @AfterAll
  void stop() {
    spark.close();
    Leftovers.checkApplication();
  }

  /// A statement and the lines that it prints.
  private record Example(String statement, List<String> printed) {}

  private static List<Example> examples(String description) {
    List<Example> examples = new ArrayList<>();
    String section = description.substring(description.indexOf("    Examples:\n"));
    for (String line : section.lines().skip(1).toList()) {
      String text = line.strip();
      if (text.startsWith("> ")) {
        assertThat(text).endsWith(";");
        examples.add(new Example(text.substring(2, text.length() - 1), new ArrayList<>()));
      } else if (line.startsWith("       ") && !examples.isEmpty()) {
        examples.getLast().printed().add(text);
      }
    }
    return examples;
  }

  private static String printed(Row row) {
    return IntStream.range(0, row.size())
        .mapToObj(i -> row.isNullAt(i) ? "NULL" : text(row.get(i)))
        .collect(Collectors.joining("\t"));
  }

  private static String text(Object value) {
    return value instanceof scala.collection.Seq<?> list
        ? "["
            + scala.jdk.javaapi.CollectionConverters.asJava(list).stream()
                .map(String::valueOf)
                .collect(Collectors.joining(","))
            + "]"
        : value.toString();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "llama4_generate",
        "try_llama4_generate",
        "llama4_complete",
        "llama4_chat",
        "llama4_classify",
        "llama4_score",
        "llama4_tokens",
        "llama4_count_tokens",
      })
  void printWhatTheySay(String function) {
    String description = String.join("\n", spark.texts("DESCRIBE FUNCTION EXTENDED " + function));
    assertThat(description)
        .contains("Function: " + function, "Usage: ", "    Arguments:\n", "    Since: 0.1.0")
        .contains(function + "(")
        .contains("model - alias of the model")
        .doesNotContain("_FUNC_");
    List<Example> examples = examples(description);
    assertThat(examples).isNotEmpty();
    for (Example example : examples) {
      List<String> printed =
          spark.rows(example.statement()).stream().map(FunctionExamplesTest::printed).toList();
      assertThat(printed).as(example.statement()).isEqualTo(example.printed());
    }
  }
}
