package io.sparkllama4.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What somebody sees whose `java` is too old: which one was found and what sets another.
@Tag("full")
class OlderJavaTest {
  private static final Path ROOT = Path.of(System.getProperty("sparkllama4.root"));

  @TempDir private Path scratch = Path.of("");

  private Path older = Path.of("");

  @BeforeEach
  void needsAnOlderJava() throws IOException {
    Optional<Path> found = Distribution.olderJava();
    assertThat(found)
        .as(
            "A Java from 17 to 24 on the PATH or under /usr/lib/jvm, which these tests see refused:"
                + " install one, for instance Debian's openjdk-17-jre-headless")
        .isPresent();
    older = found.orElseThrow();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "spark.plugins=io.sparkllama4.plugin.Llama4Plugin",
        "spark.sql.extensions=io.sparkllama4.udfs.Llama4Extensions"
      })
  void theDriverEndsAtOnceAndNamesTheVariable(String setting)
      throws IOException, InterruptedException {
    Distribution spark = Distribution.install();
    UserProcess ended =
        UserProcess.run(
            scratch,
            spark.untoldEnvironment(scratch.resolve("conf")),
            1,
            sql(spark, List.of("--conf", setting, "-e", "SELECT 1")));
    assertThat(ended.errors())
        .contains("needs Java 25.0.3 or newer, but this driver runs on Java ")
        .contains(" in " + older)
        .contains("JAVA_HOME", "spark.executorEnv.JAVA_HOME")
        .doesNotContain("UnsupportedClassVersionError");
  }

  @Test
  void tasksFailWithTheReasonAndNameTheKey() throws IOException, InterruptedException {
    Distribution spark = Distribution.install();
    List<String> options =
        List.of(
            "--master",
            "local-cluster[1,1,1024]",
            "--conf",
            "spark.plugins=io.sparkllama4.plugin.Llama4Plugin",
            "--conf",
            "spark.llama4.model=" + ROOT.resolve("examples/models/tickets"),
            "--conf",
            "spark.executorEnv.JAVA_HOME=" + older,
            "-e",
            "SELECT llama4_generate(string(id), max_tokens => 1) FROM range(2)");
    try {
      UserProcess ended =
          UserProcess.run(
              scratch, spark.environment(scratch.resolve("conf")), 1, sql(spark, options));
      assertThat(ended.errors())
          .contains("needs Java 25.0.3 or newer, but this executor runs on Java ")
          .contains("set spark.executorEnv.JAVA_HOME to the directory of a JDK 25")
          .doesNotContain("UnsupportedClassVersionError");
    } finally {
      delete(spark.workFolder());
    }
  }

  private static List<String> sql(Distribution spark, List<String> options) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(spark.command("spark-sql"));
    command.addAll(List.of("--jars", Distribution.jar().toString()));
    command.addAll(List.of("--conf", "spark.ui.enabled=false"));
    command.addAll(options);
    return command;
  }

  private static void delete(Path folder) throws IOException {
    if (Files.exists(folder)) {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }
}
