package io.sparkllama4.spark;

import io.sparkllama4.engine.EngineStats;
import io.sparkllama4.golden.Oracle;
import io.sparkllama4.plugin.ExecutorEngines;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/// A Spark application with the functions over an oracle's checkpoint.
final class Application implements AutoCloseable {
  /// The plugin, as users name it.
  static final String PLUGIN = "io.sparkllama4.plugin.Llama4Plugin";

  private final SparkSession session;
  private final Path scratch;

  private Application(SparkSession session, Path scratch) {
    this.session = session;
    this.scratch = scratch;
  }

  /// Starts Spark with the model `scout` and a small cache.
  static Application start(String master) {
    return start(
        master,
        Map.of(
            "spark.llama4.model",
            Oracle.resources().resolve("scout").toString(),
            "spark.llama4.kv.tokens",
            "20000"));
  }

  /// Starts Spark.
  ///
  /// @param conf what the application sets besides extension and plugin
  static Application start(String master, Map<String, String> conf) {
    Path scratch;
    try {
      scratch = Files.createTempDirectory("application");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    SparkSession.Builder builder =
        SparkSession.builder()
            .master(master)
            .appName("test")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.local.dir", scratch.resolve("local").toString())
            .config("spark.sql.warehouse.dir", scratch.resolve("warehouse").toUri().toString())
            .config("spark.sql.shuffle.partitions", "3")
            .config("spark.sql.extensions", "io.sparkllama4.udfs.Llama4Extensions")
            .config("spark.plugins", PLUGIN);
    conf.forEach(builder::config);
    try {
      return new Application(builder.getOrCreate(), scratch);
    } catch (RuntimeException e) {
      delete(scratch);
      throw e;
    }
  }

  SparkSession session() {
    return session;
  }

  Dataset<Row> sql(String query) {
    return session.sql(query);
  }

  /// The rows of a query.
  List<Row> rows(String query) {
    return session.sql(query).collectAsList();
  }

  /// The one column of a query as texts.
  List<String> texts(String query) {
    return rows(query).stream().map(row -> row.getString(0)).toList();
  }

  /// A setting of the session that ends with its scope.
  Setting setting(String key, String value) {
    session.conf().set(key, value);
    return () -> session.conf().unset(key);
  }

  /// Taken back by closing it.
  interface Setting extends AutoCloseable {
    @Override
    void close();
  }

  /// What the engine of the model `default` has done; loads it where nobody has.
  static EngineStats stats() {
    return ExecutorEngines.get().engines().model("default").engine().stats();
  }

  private static void delete(Path directory) {
    try (var files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    session.stop();
    delete(scratch);
  }
}
