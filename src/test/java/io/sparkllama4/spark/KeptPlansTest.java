package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Queries that once failed, made small: each file of `src/test/resources/plans` holds one, behind
/// lines of comment that say what was wrong.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class KeptPlansTest {
  private PlanCheck check;

  @BeforeAll
  void start() {
    check = PlanCheck.start();
  }

  @AfterAll
  void stop() {
    check.close();
  }

  static List<Path> plans() throws IOException {
    Path directory =
        Path.of(System.getProperty("sparkllama4.root")).resolve("src/test/resources/plans");
    try (var files = Files.list(directory)) {
      return files.filter(file -> file.toString().endsWith(".sql")).sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("plans")
  void givesTheRowsOfLookedUpAnswers(Path file) throws IOException {
    String sql = Files.readString(file);
    for (int settings = 0; settings < PlanSettings.COMBINATIONS; settings++) {
      assertThat(check.check(sql, settings))
          .as("settings %d of %s", settings, sql)
          .isInstanceOf(PlanCheck.Equal.class);
    }
  }
}
