package io.sparkllama4.cli;

import io.sparkllama4.runtime.RuntimeOptions;
import java.nio.file.Path;
import picocli.CommandLine.Mixin;

/// The options that the model commands share.
final class ModelOptions {
  @Mixin private CheckpointOption model = new CheckpointOption();

  @Mixin private RunOptions run = new RunOptions();

  Path model() {
    return model.directory();
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
