package io.sparkllama4.cli;

import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.engine.EngineOptions;
import io.sparkllama4.engine.SpeculationMode;
import io.sparkllama4.runtime.RuntimeOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// The options that the model commands share, but for the model: how it is run.
public final class RunOptions {
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
      names = "--int4-group",
      paramLabel = "32|128",
      description = "Weights that share a scale; with --weights int4 alone (default: 32).")
  private @Nullable String int4Group;

  @Option(
      names = "--weights-cache",
      paramLabel = "DIR",
      description =
          "Directory that keeps packed weights, so that the next start maps them (default: none).")
  private @Nullable Path weightsCache;

  @Option(
      names = "--ranks",
      paramLabel = "N",
      description =
          "GPUs, or parts of the CPU's threads, that share the model (default: ${DEFAULT-VALUE}).",
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
  private @Nullable Integer kvTokens;

  @Option(
      names = "--kv-dtype",
      paramLabel = "auto|f32|bf16|fp8",
      description =
          "Type of keys and values: f32 on the CPU; bf16, or fp8 for twice as many, on GPUs"
              + " (default: ${DEFAULT-VALUE}).",
      defaultValue = "auto")
  private String kvDtype = "";

  @Option(
      names = "--prefix-cache",
      paramLabel = "on|off",
      description = "Reuse of what equal beginnings have computed (default: ${DEFAULT-VALUE}).",
      defaultValue = "on")
  private String prefixCache = "";

  @Option(
      names = "--speculation",
      paramLabel = "auto|on|off",
      description =
          "Guess tokens that repeat what the row has said, verify several at once; auto as long as"
              + " it is faster (default: ${DEFAULT-VALUE}).",
      defaultValue = "auto")
  private String speculation = "";

  @Option(
      names = "--strict",
      paramLabel = "true|false",
      arity = "1",
      description = "Order-independent sums (default: ${DEFAULT-VALUE}).",
      defaultValue = "true")
  private boolean strict;

  @Mixin private OutputOptions output = new OutputOptions();

  /// Whether one JSON document is wanted.
  public boolean json() {
    return output.json();
  }

  /// How the model is run.
  ///
  /// @throws CommandFailures.UsageException where a value is none of its option's
  public RuntimeOptions runtime() {
    OptionValues.requireOneOf("--backend", backend, "cpu", "cuda", "auto");
    OptionValues.requireOneOf("--kernels", kernels, "auto", "scalar", "vector", "native");
    OptionValues.requireOneOf("--weights", weights, "stored", "bf16", "int8", "int4");
    OptionValues.requireOneOf("--kv-dtype", kvDtype, "auto", "f32", "bf16", "fp8");
    OptionValues.requireOneOf("--prefix-cache", prefixCache, "on", "off");
    OptionValues.requireOneOf("--speculation", speculation, "auto", "on", "off");
    OptionValues.requireAtLeast("--threads", threads, 1);
    OptionValues.requireAtLeast("--ranks", ranks, 1);
    OptionValues.requireAtLeast("--max-batch", maxBatch, 1);
    OptionValues.requireAtLeast("--prefill-chunk", prefillChunk, 0);
    int kvSize = 0;
    if (kvTokens != null) {
      OptionValues.requireAtLeast("--kv-tokens", kvTokens, 1);
      kvSize = kvTokens;
    }
    return new RuntimeOptions(
        backend,
        kernels,
        threads,
        weights,
        groupOfInt4(),
        Optional.ofNullable(weightsCache),
        ranks,
        List.of(),
        kvDtype,
        strict,
        new EngineOptions(
            maxBatch,
            prefillChunk,
            kvSize,
            prefixCache.equals("on"),
            SpeculationMode.valueOf(speculation.toUpperCase(Locale.ROOT))));
  }

  /// A size of groups that nothing would have is refused rather than left without effect.
  private int groupOfInt4() {
    if (int4Group == null) {
      return WeightForm.INT4.group();
    }
    OptionValues.requireOneOf("--int4-group", int4Group, "32", "128");
    if (!weights.equals(WeightForm.INT4.label())) {
      throw OptionValues.wrong(
          "--int4-group",
          int4Group,
          "with --weights int4; with --weights " + weights + " no weights share scales in groups");
    }
    return Integer.parseInt(int4Group);
  }

  /// Whether stack traces are wanted.
  public boolean debug() {
    return output.debug();
  }
}
