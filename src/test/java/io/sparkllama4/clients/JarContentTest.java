package io.sparkllama4.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// What the published jar holds: ours, what we need under names of ours, and its licences.
class JarContentTest {
  private static final Path ROOT = Path.of(System.getProperty("sparkllama4.root"));

  /// A line of the table of artifacts in BUNDLED.md.
  private static final Pattern ARTIFACT =
      Pattern.compile("^\\| ([\\w.-]+:[\\w.-]+):([\\w.-]+) \\| ([^|]+) \\| ([^|]+) \\|$");

  private static final Pattern QUOTED = Pattern.compile("`([^`]+)`");

  private static List<String> entries() throws IOException {
    try (JarFile jar = new JarFile(Distribution.jar().toFile())) {
      return jar.stream()
          .filter(entry -> !entry.isDirectory())
          .map(java.util.zip.ZipEntry::getName)
          .toList();
    }
  }

  private static String text(String entry) throws IOException {
    try (JarFile jar = new JarFile(Distribution.jar().toFile())) {
      var found = jar.getEntry(entry);
      assertThat(found).as(entry).isNotNull();
      try (InputStream bytes = jar.getInputStream(found)) {
        return new String(bytes.readAllBytes(), StandardCharsets.UTF_8);
      }
    }
  }

  /// The first code span of each line behind "Names that could not be changed".
  private static List<String> exceptions() throws IOException {
    String bundled = text("META-INF/BUNDLED.md");
    return bundled
        .substring(bundled.indexOf("## Names that could not be changed"))
        .lines()
        .filter(line -> line.startsWith("- `"))
        .map(line -> line.split("`", -1)[1])
        .toList();
  }

  @Test
  void everythingIsOursOrRelocatedSaveTheListedExceptions() throws IOException {
    List<String> exceptions = exceptions();
    assertThat(exceptions).hasSizeBetween(1, 3);
    assertThat(entries())
        .filteredOn(entry -> !entry.startsWith("io/sparkllama4/"))
        .filteredOn(entry -> !entry.startsWith("META-INF/"))
        .allMatch(entry -> exceptions.stream().anyMatch(entry::startsWith));
    for (String exception : exceptions) {
      assertThat(entries()).as(exception).anyMatch(entry -> entry.startsWith(exception));
    }
  }

  /// Spark's own, and what comes with it, under whatever name.
  @Test
  void nothingOfSparkIsInside() throws IOException {
    assertThat(entries())
        .noneMatch(
            entry ->
                entry.matches(
                    "(?i).*(apache/(spark|arrow|logging|hadoop)|/scala/|jackson/(core|databind|annotation)"
                        + "|netty|slf4j|log4j|google/common|picocli|sparkllama4/cli/|jspecify).*"));
    assertThat(entries()).noneMatch(entry -> entry.startsWith("scala/"));
  }

  /// As it was compiled last; only the package that calls Jinjava names what was relocated.
  @Test
  void allThatIsOursIsInside() throws IOException {
    Set<String> expected = new TreeSet<>();
    try (JarFile jar = new JarFile(Distribution.jar().toFile())) {
      for (String module : List.of("spark-llama4", "udfs")) {
        Path classes = ROOT.resolve(module).resolve("target/classes");
        for (Path file : files(classes)) {
          String name = classes.relativize(file).toString();
          if (!name.startsWith("io/sparkllama4/cli/")) {
            expected.add(name);
          }
          var entry = jar.getEntry(name);
          if (entry != null && !name.startsWith("io/sparkllama4/text/jinja/")) {
            try (InputStream bytes = jar.getInputStream(entry)) {
              assertThat(bytes.readAllBytes()).as(name).isEqualTo(Files.readAllBytes(file));
            }
          }
        }
      }
    }
    assertThat(expected).hasSizeGreaterThan(200);
    assertThat(entries()).containsAll(expected).doesNotHaveDuplicates();
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).toList();
    }
  }

  /// The table in BUNDLED.md names what the module bundles, with the versions of the build.
  @Test
  void licencesOfAllThatIsBundledAreListed() throws IOException {
    String pom = Files.readString(ROOT.resolve("src/jar/pom.xml"));
    Set<String> bundled =
        Pattern.compile("<include>([\\w.-]+:[\\w.-]+)</include>")
            .matcher(pom)
            .results()
            .map(match -> match.group(1))
            .collect(Collectors.toSet());
    Set<String> listed = new HashSet<>();
    List<String> places = new ArrayList<>();
    for (String line : text("META-INF/BUNDLED.md").lines().toList()) {
      var artifact = ARTIFACT.matcher(line);
      if (artifact.matches()) {
        listed.add(artifact.group(1));
        assertThat(artifact.group(3)).as(line).isIn("Apache-2.0", "MIT", "BSD-3-Clause");
        for (MatchResult place : QUOTED.matcher(artifact.group(4)).results().toList()) {
          places.add(place.group(1) + "/");
        }
        String name = artifact.group(1).substring(artifact.group(1).indexOf(':') + 1);
        assertThat(System.getProperty("java.class.path"))
            .as(line)
            .contains(name + "-" + artifact.group(2) + ".jar");
      }
    }
    assertThat(listed).isEqualTo(bundled).hasSizeGreaterThan(5);
    assertThat(entries())
        .filteredOn(
            entry ->
                entry.startsWith("io/sparkllama4/shaded/")
                    || (entry.endsWith(".so") && !entry.startsWith("io/sparkllama4/kernels/")))
        .allMatch(entry -> places.stream().anyMatch(entry::startsWith));
    for (String place : places) {
      assertThat(entries()).as(place).anyMatch(entry -> entry.startsWith(place));
    }
  }

  @Test
  void licenceNoticeAndServicesAreInside() throws IOException {
    assertThat(text("META-INF/LICENSE")).isEqualTo(Files.readString(ROOT.resolve("LICENSE")));
    assertThat(text("META-INF/NOTICE")).contains("META-INF/BUNDLED.md");
    assertThat(text("META-INF/licenses/MIT.txt")).contains("big-math", "jsoup");
    assertThat(text("META-INF/licenses/BSD.txt")).contains("re2j", "Oniguruma");
    assertThat(entries().stream().filter(entry -> entry.startsWith("META-INF/services/")))
        .containsExactly("META-INF/services/io.sparkllama4.backend.BackendProvider");
    assertThat(text("META-INF/services/io.sparkllama4.backend.BackendProvider").lines())
        .containsExactly(
            "io.sparkllama4.backend.cpu.CpuProvider", "io.sparkllama4.backend.cuda.CudaProvider");
  }

  /// What is published names no parent, which nobody would find, and no dependency.
  @Test
  void thePublishedPomStandsAlone() throws IOException {
    assertThat(Files.readString(Distribution.jar().resolveSibling(".flattened-pom.xml")))
        .contains("<artifactId>spark-llama4_2.13</artifactId>", "Apache-2.0")
        .doesNotContain("<parent>", "<dependency>");
  }

  @Test
  void sourcesLieBesideIt() throws IOException {
    Path jar = Distribution.jar();
    String name = jar.getFileName().toString().replace(".jar", "-sources.jar");
    try (JarFile sources = new JarFile(jar.resolveSibling(name).toFile())) {
      assertThat(sources.getEntry("io/sparkllama4/plugin/Llama4Plugin.java")).isNotNull();
      assertThat(sources.getEntry("io/sparkllama4/udfs/Llama4Functions.java")).isNotNull();
      assertThat(sources.getEntry("spark_llama4/functions.py")).isNotNull();
    }
  }
}
