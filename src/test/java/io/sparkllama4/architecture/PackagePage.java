package io.sparkllama4.architecture;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// What a package says of itself, in its `package-info.java`.
///
/// @param name the package, relative to `io.sparkllama4`
/// @param source the file's text, empty where there is none
record PackagePage(String name, String source) {
  private static final Path PACKAGES = Path.of("src/main/java/io/sparkllama4");
  private static final Pattern SENTENCE_END = Pattern.compile("[a-z)`\\]][.](\\s|$)");
  private static final Pattern KNOWLEDGE = Pattern.compile("\\bknows?\\b|\\bmay use\\b");

  /// The pages of all packages with sources in the modules below `root`.
  static List<PackagePage> below(Path root) throws IOException {
    List<PackagePage> pages = new ArrayList<>();
    try (Stream<Path> modules = Files.list(root)) {
      for (Path module : modules.sorted().toList()) {
        Path packages = module.resolve(PACKAGES);
        if (Files.isDirectory(packages)) {
          try (Stream<Path> folders = Files.walk(packages)) {
            for (Path folder : folders.filter(PackagePage::hasSources).sorted().toList()) {
              pages.add(read(packages, folder));
            }
          }
        }
      }
    }
    return pages;
  }

  private static boolean hasSources(Path folder) {
    if (!Files.isDirectory(folder)) {
      return false;
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.anyMatch(file -> file.toString().endsWith(".java"));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static PackagePage read(Path packages, Path folder) throws IOException {
    Path page = folder.resolve("package-info.java");
    return new PackagePage(
        packages.relativize(folder).toString().replace('/', '.'),
        Files.exists(page) ? Files.readString(page) : "");
  }

  /// What it lacks.
  List<String> problems() {
    if (source.isEmpty()) {
      return List.of(name + " has no package-info.java");
    }
    List<String> problems = new ArrayList<>();
    String text =
        source
            .lines()
            .filter(line -> line.startsWith("///"))
            .map(line -> line.substring(3).strip())
            .collect(Collectors.joining(" "));
    if (!source.contains("\n@NullMarked\n")) {
      problems.add(name + " is not @NullMarked");
    }
    if (SENTENCE_END.matcher(text).results().count() < 2) {
      problems.add(name + " says less than two sentences");
    }
    if (!KNOWLEDGE.matcher(text).find()) {
      problems.add(name + " does not say what it may know");
    }
    return problems;
  }
}
