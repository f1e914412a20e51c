package io.sparkllama4.cli.spark;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// The option that names the checkpoint of a command which otherwise takes the bundled one.
final class CheckpointOrBundled {
  @Option(
      names = "--model",
      paramLabel = "DIR",
      description = "Checkpoint directory (default: the bundled model).")
  private @Nullable Path model;

  Path directory() {
    return model == null ? Bundled.model() : model;
  }
}
