package io.sparkllama4.cli.spark;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import java.nio.file.Files;
import java.nio.file.Path;

/// The small model and its data, which lie in the project.
final class Bundled {
  private Bundled() {}

  /// The project's root, which the start script names.
  static Path home() {
    String home = System.getProperty("sparkllama4.root");
    if (home == null) {
      throw ErrorReport.of(
              ErrorCode.MISSING_FILE,
              "The bundled model lies in the project; start bin/spark-llama4")
          .key("-Dsparkllama4.root")
          .exception();
    }
    return Path.of(home);
  }

  /// The directory of the model.
  static Path model() {
    return home().resolve("examples/models/tickets");
  }

  /// The held-out tickets with their right answers, as Parquet.
  static Path tickets() {
    return file("examples/data/tickets-held-out.parquet");
  }

  /// A file of the project.
  static Path file(String path) {
    Path file = home().resolve(path);
    if (!Files.isRegularFile(file)) {
      throw ErrorReport.of(ErrorCode.MISSING_FILE, "The project is incomplete: no " + file)
          .file(file.toString())
          .exception();
    }
    return file;
  }
}
