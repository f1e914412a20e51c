package io.sparkllama4.spark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A page whose examples are run: a statement in a block of ```` ```sql ````, and its printed
/// result in a block of ```` ```text ```` behind it, with nothing but empty lines between. A
/// statement that is not to be run stands in ```` ```sql not run ````, behind which the page says
/// why.
///
/// @param file the page
/// @param lines its lines
/// @param examples its examples, in order
record DocumentPage(Path file, List<String> lines, List<Example> examples) {
  private static final String FENCE = "```";

  /// A statement and what the page says that it prints.
  ///
  /// @param line of the opening fence, from 1
  /// @param sql the statement
  /// @param end the number of lines up to the closing fence of the statement
  /// @param result what is printed; empty for a statement that prints nothing
  record Example(int line, String sql, int end, Optional<Block> result) {}

  /// The lines between two fences.
  ///
  /// @param start the number of lines up to the opening fence, with it
  /// @param text the lines
  record Block(int start, List<String> text) {}

  /// Reads a page.
  static DocumentPage read(Path file) throws IOException {
    List<String> lines = Files.readAllLines(file);
    List<Example> examples = new ArrayList<>();
    int at = 0;
    while (at < lines.size()) {
      String line = lines.get(at);
      if (!line.startsWith(FENCE)) {
        at++;
        continue;
      }
      Block block = block(file, lines, at);
      int end = block.start + block.text.size() + 1;
      if (line.equals(FENCE + "sql")) {
        examples.add(
            new Example(at + 1, String.join("\n", block.text), end, result(file, lines, end)));
      }
      at = end;
    }
    return new DocumentPage(file, lines, List.copyOf(examples));
  }

  private static Block block(Path file, List<String> lines, int fence) {
    List<String> text = new ArrayList<>();
    for (int i = fence + 1; i < lines.size(); i++) {
      if (lines.get(i).equals(FENCE)) {
        return new Block(fence + 1, text);
      }
      text.add(lines.get(i));
    }
    throw new AssertionError(file + ":" + (fence + 1) + " opens a block that nothing closes");
  }

  private static Optional<Block> result(Path file, List<String> lines, int from) {
    int at = from;
    while (at < lines.size() && lines.get(at).isEmpty()) {
      at++;
    }
    return at < lines.size() && lines.get(at).equals(FENCE + "text")
        ? Optional.of(block(file, lines, at))
        : Optional.empty();
  }

  /// Writes the page with these results in the place of its own.
  ///
  /// @param results what each example printed, in order; empty where it printed nothing
  void update(List<String> results) throws IOException {
    List<String> written = new ArrayList<>();
    int copied = 0;
    for (int i = 0; i < examples.size(); i++) {
      Example example = examples.get(i);
      int until = example.result.map(Block::start).orElse(example.end);
      written.addAll(lines.subList(copied, until));
      copied = until + example.result.map(block -> block.text.size()).orElse(0);
      List<String> printed = results.get(i).lines().toList();
      if (example.result.isPresent()) {
        written.addAll(printed);
      } else if (!printed.isEmpty()) {
        written.addAll(List.of("", FENCE + "text"));
        written.addAll(printed);
        written.add(FENCE);
      }
    }
    written.addAll(lines.subList(copied, lines.size()));
    Files.write(file, written);
  }
}
