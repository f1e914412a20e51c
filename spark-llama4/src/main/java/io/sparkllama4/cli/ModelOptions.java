package io.sparkllama4.cli;

import io.sparkllama4.engine.EngineOptions;
import io.sparkllama4.runtime.RuntimeOptions;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/// The options that the model commands share.
final class ModelOptions {
  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description = "Checkpoint directory.")
  private Path model = Path.of("");

  @Option(
      names = "--backend",
      paramLabel = "cpu|cuda|auto",
      description = "Device (default: ${DEFAULT-VALUE}).",
      defaultValue = "auto")
  private String backend = "";

  @Option(
      names = "--kernels",
      paramLabel = "auto|scalar|vector|native",
      description = "CPU kernel path (default: ${DEFAULT-VALUE}).",
      defaultValue = "auto")
  private String kernels = "";

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Compute threads (default: the machine's cores).")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--weights",
      paramLabel = "stored|bf16|int8|int4",
      description = "Form of the weights in memory (default: ${DEFAULT-VALUE}).",
      defaultValue = "stored")
  private String weights = "";

  @Option(
      names = "--ranks",
      paramLabel = "N",
      description = "Ranks that share the model (default: ${DEFAULT-VALUE}).",
      defaultValue = "1")
  private int ranks;

  @Option(
      names = "--max-batch",
      paramLabel = "N",
      description = "Most sequences in a step (default: ${DEFAULT-VALUE}).",
      defaultValue = "256")
  private int maxBatch;

  @Option(
      names = "--prefill-chunk",
      paramLabel = "N",
      description =
          "Most prompt tokens of one sequence in a step, 0 for all (default: ${DEFAULT-VALUE}).",
      defaultValue = "512")
  private int prefillChunk;

  @Option(
      names = "--kv-tokens",
      paramLabel = "N",
      description = "Size of the KV cache in tokens, at least 1 (default: from free memory).")
  private Integer kvTokens = 0;

  @Option(
      names = "--prefix-cache",
      paramLabel = "on|off",
      description = "Reuse of equal prefixes (not built yet: off).",
      defaultValue = "auto",
      showDefaultValue = picocli.CommandLine.Help.Visibility.NEVER)
  private String prefixCache = "";

  @Option(
      names = "--strict",
      paramLabel = "true|false",
      arity = "1",
      description = "Order-independent sums (default: ${DEFAULT-VALUE}).",
      defaultValue = "true")
  private boolean strict;

  @Option(names = "--json", description = "Print one JSON document.")
  private boolean json;

  @Option(names = "--debug", description = "Print stack traces of failures.")
  private boolean debug;

  Path model() {
    return model;
  }

  boolean json() {
    return json;
  }

  RuntimeOptions runtime() {
    return new RuntimeOptions(
        backend,
        kernels,
        threads,
        weights,
        ranks,
        prefixCache,
        strict,
        new EngineOptions(maxBatch, prefillChunk, kvTokens));
  }

  boolean debug() {
    return debug;
  }
}
