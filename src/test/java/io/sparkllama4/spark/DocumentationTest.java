package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkThrowable;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The examples of the documentation print what it says. `-Dupdate.docs=true` writes what they
/// print into the pages instead.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DocumentationTest {
  private static final Path ROOT = Path.of(System.getProperty("sparkllama4.root"));
  private static final int ROWS = 30;

  private Application spark;

  @BeforeAll
  void start() {
    String model = ROOT.resolve("examples/models/tickets").toString();
    // What the pages tell the reader to start.
    spark =
        Application.start(
            "local[2]", Map.of("spark.llama4.model", model, "spark.llama4.models.second", model));
  }

  @AfterAll
  void stop() {
    spark.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"docs/sql.md", "docs/cookbook.md"})
  void examplesPrintWhatThePageSays(String name) throws IOException {
    DocumentPage page = DocumentPage.read(ROOT.resolve(name));
    assertThat(page.examples()).hasSizeGreaterThanOrEqualTo(10);
    List<String> printed = new ArrayList<>();
    for (DocumentPage.Example example : page.examples()) {
      printed.add(run(example.sql()));
    }
    if (Boolean.getBoolean("update.docs")) {
      page.update(printed);
      return;
    }
    for (int i = 0; i < printed.size(); i++) {
      DocumentPage.Example example = page.examples().get(i);
      List<String> said = example.result().map(DocumentPage.Block::text).orElse(List.of());
      assertThat(printed.get(i).lines().toList())
          .as("%s:%d prints; -Dupdate.docs=true writes it there", name, example.line())
          .isEqualTo(said);
    }
  }

  /// What a statement prints: its rows as Spark shows them, the text of a plan or of a description
  /// as it is, the error of one that fails, and nothing for one without a result.
  private String run(String sql) {
    // The pages name files from the project's root, where their reader stands.
    String here = sql.replace("'examples/", "'" + ROOT + "/examples/");
    try {
      Dataset<Row> result = spark.sql(here);
      if (result.schema().isEmpty()) {
        return "";
      }
      if (sql.startsWith("DESCRIBE")) {
        return lines(result);
      }
      return ((org.apache.spark.sql.classic.Dataset<Row>) result).showString(ROWS, 0, false);
    } catch (Exception e) {
      return error(e);
    }
  }

  private static String lines(Dataset<Row> result) {
    return String.join("\n", result.collectAsList().stream().map(row -> row.getString(0)).toList());
  }

  /// The first line of the deepest error that has a condition.
  private static String error(Exception failure) {
    String message = "";
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SparkThrowable known && known.getCondition() != null) {
        message = String.valueOf(cause.getMessage());
      }
    }
    if (message.isEmpty()) {
      throw new AssertionError(
          "A statement of the documentation fails without a condition", failure);
    }
    return message.lines().findFirst().orElseThrow();
  }
}
