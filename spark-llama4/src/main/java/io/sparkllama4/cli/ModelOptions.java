package io.sparkllama4.cli;

import io.sparkllama4.runtime.RuntimeOptions;
import java.nio.file.Path;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// The options that the model commands share.
final class ModelOptions {
  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description = "Checkpoint directory.")
  private Path model = Path.of("");

  @Mixin private RunOptions run = new RunOptions();

  Path model() {
    return model;
  }

  boolean json() {
    return run.json();
  }

  /// How the model is run.
  ///
  /// @throws CommandFailures.UsageException where a value is none of its option's
  RuntimeOptions runtime() {
    return run.runtime();
  }

  boolean debug() {
    return run.debug();
  }
}
