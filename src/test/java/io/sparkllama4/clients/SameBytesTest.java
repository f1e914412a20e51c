package io.sparkllama4.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Building the same sources again, elsewhere and later, gives the same bytes.
@Tag("full")
class SameBytesTest {
  private static final Path ROOT = Path.of(System.getProperty("sparkllama4.root"));

  @TempDir private Path scratch = Path.of("");

  @Test
  void twoBuildsOfTheJarAreEqual() throws IOException, InterruptedException {
    Path copy = scratch.resolve("copy");
    for (String part :
        List.of(
            ".mvn",
            "bin",
            "conf/models",
            "mvnw",
            "pom.xml",
            "LICENSE",
            "spark-llama4",
            "udfs",
            "src/jar")) {
      copy(ROOT.resolve(part), copy.resolve(part));
    }
    // The modules that are not built are named in the POM all the same.
    for (String part : List.of("examples", "src/cuda", "src/test", "src/bench")) {
      Files.createDirectories(copy.resolve(part));
      Files.copy(ROOT.resolve(part).resolve("pom.xml"), copy.resolve(part).resolve("pom.xml"));
    }
    UserProcess.run(
        scratch.resolve("log"),
        Map.of("JAVA_HOME", System.getProperty("java.home")),
        0,
        List.of(
            copy.resolve("mvnw").toString(),
            "--batch-mode",
            "--offline",
            "--quiet",
            "--file",
            copy.resolve("pom.xml").toString(),
            "-Dquick",
            "-DskipTests",
            "--projects",
            "src/jar",
            "--also-make",
            "package"));
    Path jar = Distribution.jar();
    Path again = copy.resolve("src/jar/target").resolve(jar.getFileName());
    assertThat(Files.mismatch(jar, again)).as("first byte that differs").isEqualTo(-1);
    String sources = jar.getFileName().toString().replace(".jar", "-sources.jar");
    assertThat(Files.mismatch(jar.resolveSibling(sources), again.resolveSibling(sources)))
        .as("first byte of the sources that differs")
        .isEqualTo(-1);
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.walkFileTree(
        from,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes)
              throws IOException {
            if (folder.endsWith("target")) {
              return FileVisitResult.SKIP_SUBTREE;
            }
            Files.createDirectories(to.resolve(from.relativize(folder)));
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Path target = to.resolve(from.relativize(file));
            Files.createDirectories(java.util.Objects.requireNonNull(target.getParent()));
            Files.copy(file, target, java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
