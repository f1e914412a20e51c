package io.sparkllama4.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.RuntimeOptions;
import io.sparkllama4.weights.Checkpoint;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/// `info`: what a checkpoint is, and whether it is whole.
@Command(
    name = "info",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Says what a checkpoint is, and whether it is whole.")
public final class InfoCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private CheckpointOption model = new CheckpointOption();

  @Mixin private OutputOptions output = new OutputOptions();

  /// A command that answers on `console`.
  public InfoCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    Path directory = model.directory();
    if (output.debug()) {
      console.note("Reading " + directory.toAbsolutePath());
    }
    ModelHandle.validate(directory, RuntimeOptions.defaults());
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      ObjectNode document = Documents.info(checkpoint);
      if (output.json()) {
        console.document(document);
      } else {
        document.properties().forEach(e -> console.line(e.getKey() + ": " + e.getValue()));
      }
    }
    return 0;
  }
}
