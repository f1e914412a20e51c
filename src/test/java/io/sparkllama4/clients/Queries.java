package io.sparkllama4.clients;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/// The queries that every client must answer alike, and what they give.
final class Queries {
  /// Where the queries lie, for clients that read them themselves.
  static final Path FILE = resource("queries.sql");

  /// The statement that makes the view which the queries read.
  static final Path VIEW = resource("asked.sql");

  private static final Pattern PARAMETER =
      Pattern.compile("^-- :(\\w+) = (.*)$", Pattern.MULTILINE);

  /// What stands before a query's rows where a client prints all of them.
  private static final String MARK = "== ";

  /// One query.
  ///
  /// @param name what it is about
  /// @param sql its text
  /// @param parameters values of its parameter markers
  record Query(String name, String sql, Map<String, String> parameters) {
    /// The query for clients that have SQL text alone.
    String immediate() {
      if (parameters.isEmpty()) {
        return sql;
      }
      return "EXECUTE IMMEDIATE "
          + literal(sql)
          + " USING "
          + parameters.entrySet().stream()
              .map(entry -> literal(entry.getValue()) + " AS " + entry.getKey())
              .collect(Collectors.joining(", "));
    }

    private static String literal(String text) {
      return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
    }
  }

  private Queries() {}

  private static Path resource(String name) {
    return Path.of(
        System.getProperty("sparkllama4.root"), "src", "test", "resources", "clients", name);
  }

  /// All queries.
  static List<Query> all() {
    List<Query> queries = new ArrayList<>();
    String[] parts = read(FILE).split("(?m)^-- query: ", -1);
    for (String part : Arrays.asList(parts).subList(1, parts.length)) {
      Map<String, String> parameters = new TreeMap<>();
      for (MatchResult match : PARAMETER.matcher(part).results().toList()) {
        parameters.put(match.group(1), match.group(2));
      }
      String sql =
          part.lines()
              .skip(1)
              .filter(line -> !line.startsWith("--"))
              .collect(Collectors.joining("\n"))
              .strip();
      queries.add(new Query(part.lines().findFirst().orElseThrow(), sql, parameters));
    }
    return queries;
  }

  /// A script of everything, for clients that take one: the view, then each query behind its name.
  static String script() {
    StringBuilder script = new StringBuilder(read(VIEW)).append(";\n");
    for (Query query : all()) {
      script.append("SELECT '").append(MARK).append(query.name()).append("';\n");
      script.append(query.immediate()).append(";\n");
    }
    return script.toString();
  }

  /// The rows in what a client printed for the script: cells between tabs, lines in order.
  static Map<String, List<List<String>>> printed(String output) {
    Map<String, List<List<String>>> answers = new TreeMap<>();
    List<List<String>> rows = new ArrayList<>();
    for (String line : output.lines().toList()) {
      if (line.startsWith(MARK)) {
        rows = new ArrayList<>();
        answers.put(line.substring(MARK.length()), rows);
      } else if (!line.isBlank()) {
        rows.add(List.of(line.split("\t", -1)));
      }
    }
    return answers;
  }

  /// What a classic session in this process gives.
  static Map<String, List<List<String>>> answers(SparkSession session) {
    session.sql(read(VIEW));
    Map<String, List<List<String>>> answers = new TreeMap<>();
    for (Query query : all()) {
      Map<String, Object> parameters = new TreeMap<>(query.parameters());
      answers.put(
          query.name(),
          session.sql(query.sql(), parameters).collectAsList().stream()
              .map(Queries::cells)
              .toList());
    }
    return answers;
  }

  /// The cells of a row as texts, NULL as such.
  static List<String> cells(Row row) {
    List<String> cells = new ArrayList<>();
    for (int i = 0; i < row.length(); i++) {
      cells.add(row.isNullAt(i) ? "NULL" : row.get(i).toString());
    }
    return cells;
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
