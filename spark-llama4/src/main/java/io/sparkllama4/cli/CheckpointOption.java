package io.sparkllama4.cli;

import java.nio.file.Path;
import picocli.CommandLine.Option;

/// The option that names the checkpoint of a command which needs one.
final class CheckpointOption {
  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description = "Checkpoint directory.")
  private Path directory = Path.of("");

  Path directory() {
    return directory;
  }
}
