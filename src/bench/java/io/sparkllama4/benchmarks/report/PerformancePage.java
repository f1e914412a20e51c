package io.sparkllama4.benchmarks.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/// Fills `docs/performance.md` from the documents in `docs/performance`: tables between its two
/// markers, and a plot for each model on each machine.
public final class PerformancePage {
  static final String BEGIN = "<!-- Figures: written by bin/performance -->";
  static final String END = "<!-- End of the figures -->";

  private static final String PAGE = "performance.md";
  private static final String RECORDINGS = "performance";

  private final Path docs;

  /// The page in the directory `docs`.
  PerformancePage(Path docs) {
    this.docs = docs;
  }

  /// Writes the page and the plots.
  ///
  /// @param args the directory of the documentation
  public static void main(String[] args) throws IOException {
    if (args.length != 1) {
      throw new IllegalArgumentException("Give the directory of the documentation");
    }
    PerformancePage page = new PerformancePage(Path.of(args[0]));
    for (Map.Entry<Path, String> file : page.files().entrySet()) {
      Files.writeString(file.getKey(), file.getValue());
    }
  }

  /// The files that belong to the documents, with their content.
  Map<Path, String> files() throws IOException {
    Map<Path, String> files = new LinkedHashMap<>();
    List<String> lines = new ArrayList<>(List.of(BEGIN));
    for (Map.Entry<String, List<Recording>> group : groups().entrySet()) {
      Plot.svg(group.getValue())
          .ifPresent(
              svg -> {
                String name = RECORDINGS + "/" + slug(group.getKey()) + ".svg";
                files.put(docs.resolve(name), svg);
                lines.addAll(List.of("", "![Decoding: " + group.getKey() + "](" + name + ")"));
              });
      for (Recording recording : group.getValue()) {
        lines.add("");
        lines.addAll(Tables.of(recording));
      }
    }
    lines.addAll(List.of("", ""));
    Path page = docs.resolve(PAGE);
    String text = Files.readString(page);
    int begin = text.indexOf(BEGIN);
    int end = text.indexOf(END);
    if (begin < 0 || end < begin) {
      throw new IllegalArgumentException(page + " lacks the line " + BEGIN + " or " + END);
    }
    files.put(page, text.substring(0, begin) + String.join("\n", lines) + text.substring(end));
    return files;
  }

  /// Recordings by model and machine.
  private Map<String, List<Recording>> groups() throws IOException {
    Map<String, List<Recording>> groups = new TreeMap<>();
    Path directory = docs.resolve(RECORDINGS);
    if (!Files.isDirectory(directory)) {
      return groups;
    }
    List<Path> recorded;
    try (Stream<Path> all = Files.list(directory)) {
      recorded = all.filter(file -> file.toString().endsWith(".jsonl")).sorted().toList();
    }
    for (Path file : recorded) {
      Recording recording = Recording.read(file);
      String group =
          recording.first().get("model").asText()
              + ", "
              + recording.first().at("/cpu/name").asText();
      groups.computeIfAbsent(group, key -> new ArrayList<>()).add(recording);
    }
    return groups;
  }

  private static String slug(String text) {
    return text.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("^-|-$", "");
  }
}
