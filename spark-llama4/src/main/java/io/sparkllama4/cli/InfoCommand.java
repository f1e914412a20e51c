package io.sparkllama4.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.RuntimeOptions;
import io.sparkllama4.weights.Checkpoint;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `info`: what a checkpoint is, and whether it is whole.
@Command(
    name = "info",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Says what a checkpoint is, and whether it is whole.")
public final class InfoCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description = "Checkpoint directory.")
  private Path model = Path.of("");

  @Option(names = "--json", description = "Print one JSON document.")
  private boolean json;

  @Option(names = "--debug", description = "Print stack traces of failures.")
  private boolean debug;

  /// A command that answers on `console`.
  public InfoCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    if (debug) {
      console.note("Reading " + model.toAbsolutePath());
    }
    ModelHandle.validate(model, RuntimeOptions.defaults());
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      ObjectNode document = Documents.info(checkpoint);
      if (json) {
        console.document(document);
      } else {
        document.properties().forEach(e -> console.line(e.getKey() + ": " + e.getValue()));
      }
    }
    return 0;
  }
}
