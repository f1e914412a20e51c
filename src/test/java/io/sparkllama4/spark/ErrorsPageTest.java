package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.rows.SparkErrors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// `docs/errors.md` has every code, with its condition and SQLSTATE, and messages that occur.
class ErrorsPageTest {
  private static final Path ROOT = Path.of(System.getProperty("sparkllama4.root"));
  private static final String NOT_RAISED = "not raised by this release";

  /// The cells of the table's rows.
  private static List<List<String>> rows() throws IOException {
    List<List<String>> rows = new ArrayList<>();
    for (String line : Files.readAllLines(ROOT.resolve("docs/errors.md"))) {
      if (line.startsWith("| ") && !line.startsWith("| code")) {
        List<String> cells = Arrays.stream(line.split("\\|", -1)).map(String::strip).toList();
        assertThat(cells).as(line).hasSize(8);
        rows.add(cells.subList(1, 7));
      }
    }
    return rows;
  }

  @Test
  void hasEveryCodeOnceAndNoOther() throws IOException {
    List<List<String>> codes = rows().stream().filter(row -> !row.getFirst().isEmpty()).toList();
    assertThat(codes)
        .extracting(row -> row.subList(0, 3))
        .containsExactlyElementsOf(
            Arrays.stream(ErrorCode.values())
                .map(
                    code ->
                        List.of(
                            code.name(), SparkErrors.condition(code), SparkErrors.sqlState(code)))
                .toList());
    assertThat(rows()).allSatisfy(row -> assertThat(row.get(3)).isNotEmpty());
    assertThat(rows()).allSatisfy(row -> assertThat(row.get(4)).isNotEmpty());
    assertThat(rows())
        .filteredOn(row -> !row.get(4).equals(NOT_RAISED))
        .allSatisfy(row -> assertThat(row.get(5)).isNotEmpty());
  }

  @Test
  void itsMessagesStandInTheCode() throws IOException {
    String sources = sources();
    Pattern literal = Pattern.compile("`([^`]+)`");
    int messages = 0;
    for (List<String> row : rows()) {
      for (Matcher part = literal.matcher(row.get(4)); part.find(); messages++) {
        assertThat(sources).as(row.getFirst()).contains(part.group(1));
      }
    }
    assertThat(messages).isGreaterThan(ErrorCode.values().length / 2);
  }

  @Test
  void whatIsNotRaisedDoesNotOccurInTheCode() throws IOException {
    String sources = sources();
    Set<String> raised = new TreeSet<>();
    for (ErrorCode code : ErrorCode.values()) {
      if (Pattern.compile("ErrorCode\\." + code + "\\b").matcher(sources).find()) {
        raised.add(code.name());
      }
    }
    Set<String> documented = new TreeSet<>();
    for (List<String> row : rows()) {
      if (!row.getFirst().isEmpty() && !row.get(4).equals(NOT_RAISED)) {
        documented.add(row.getFirst());
      }
    }
    assertThat(documented).isEqualTo(raised);
  }

  /// All sources of the product, with texts that are broken into several literals in one piece.
  private static String sources() throws IOException {
    StringBuilder all = new StringBuilder();
    try (Stream<Path> files = Files.walk(ROOT.resolve("spark-llama4/src/main/java"))) {
      for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
        all.append(Files.readString(file));
      }
    }
    return all.toString().replaceAll("\"\\s*\\+\\s*\"", "");
  }
}
