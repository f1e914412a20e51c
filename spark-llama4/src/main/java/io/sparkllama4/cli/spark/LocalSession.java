package io.sparkllama4.cli.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.spark.sql.SparkSession;

/// A Spark session of the command line, set up as a user's own configuration would.
final class LocalSession implements AutoCloseable {
  private static final String EXTENSIONS = "io.sparkllama4.udfs.Llama4Extensions";
  private static final String PLUGIN = "io.sparkllama4.plugin.Llama4Plugin";

  private final SparkSession session;
  private final Path scratch;

  private LocalSession(SparkSession session, Path scratch) {
    this.session = session;
    this.scratch = scratch;
  }

  /// Starts Spark.
  ///
  /// @param models directories by alias
  /// @param conf what the user sets besides; it wins
  static LocalSession start(String master, Map<String, Path> models, Map<String, String> conf) {
    Path scratch;
    try {
      scratch = Files.createTempDirectory("spark-llama4");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    SparkSession.Builder builder =
        SparkSession.builder()
            .appName("spark-llama4")
            .master(master)
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.local.dir", scratch.resolve("local").toString())
            .config("spark.sql.warehouse.dir", scratch.resolve("warehouse").toUri().toString())
            .config("spark.sql.extensions", EXTENSIONS)
            .config("spark.plugins", PLUGIN);
    models.forEach(
        (alias, directory) ->
            builder.config(
                alias.equals("default") ? "spark.llama4.model" : "spark.llama4.models." + alias,
                directory.toAbsolutePath().toString()));
    conf.forEach(builder::config);
    try {
      return new LocalSession(builder.getOrCreate(), scratch);
    } catch (RuntimeException | Error e) {
      delete(scratch);
      throw e;
    }
  }

  SparkSession session() {
    return session;
  }

  private static void delete(Path directory) {
    try (var files = Files.walk(directory)) {
      for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      // A temporary directory that stays behind costs nobody a result.
      org.slf4j.LoggerFactory.getLogger(LocalSession.class)
          .warn("Could not remove {}", directory, e);
    }
  }

  @Override
  public void close() {
    session.stop();
    delete(scratch);
  }
}
