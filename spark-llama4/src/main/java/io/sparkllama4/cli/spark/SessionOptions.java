package io.sparkllama4.cli.spark;

import java.util.Map;
import picocli.CommandLine.Option;

/// The options that say what session a command starts.
final class SessionOptions {
  @Option(
      names = "--master",
      paramLabel = "URL",
      description = "Spark master (default: ${DEFAULT-VALUE}).",
      defaultValue = "local[2]")
  private String master = "";

  @Option(
      names = "--conf",
      paramLabel = "KEY=VALUE",
      description = "Spark configuration; repeatable.")
  private Map<String, String> conf = Map.of();

  String master() {
    return master;
  }

  Map<String, String> conf() {
    return conf;
  }
}
