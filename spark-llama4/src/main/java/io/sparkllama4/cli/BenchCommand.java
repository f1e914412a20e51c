package io.sparkllama4.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.BackendOptions;
import io.sparkllama4.backend.Backends;
import io.sparkllama4.backend.Ceilings;
import io.sparkllama4.cli.bench.Cases;
import io.sparkllama4.cli.bench.Machine;
import io.sparkllama4.cli.bench.MadeCheckpoint;
import io.sparkllama4.cli.bench.Measured;
import io.sparkllama4.cli.bench.ModelShape;
import io.sparkllama4.cli.bench.Work;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.weights.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `bench`: tokens per second, in turn with what the machine can do at best.
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Measures tokens per second as shares of the machine's own ceilings.")
public final class BenchCommand implements Callable<Integer> {
  private final Console console;

  @Option(names = "--model", paramLabel = "DIR", description = "Checkpoint directory.")
  private @Nullable Path model;

  @Option(
      names = "--preset",
      paramLabel = "model-s|scout-slice",
      description = "A checkpoint of random weights, made in a temporary directory.")
  private @Nullable String preset;

  @Option(
      names = "--prefill",
      split = ",",
      paramLabel = "N",
      description = "Prompt lengths (default: ${DEFAULT-VALUE}).",
      defaultValue = "512")
  private List<Integer> prefill = List.of();

  @Option(
      names = "--decode",
      split = ",",
      paramLabel = "N",
      description = "Sequences side by side (default: ${DEFAULT-VALUE}).",
      defaultValue = "1,8")
  private List<Integer> decode = List.of();

  @Option(
      names = "--prompt",
      paramLabel = "N",
      defaultValue = "128",
      description = "Prompt tokens before decoding (default: ${DEFAULT-VALUE}).")
  private int prompt;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "64",
      description = "Tokens of each sequence (default: ${DEFAULT-VALUE}).")
  private int tokens;

  @Option(
      names = "--rows",
      paramLabel = "N",
      defaultValue = "0",
      description = "Rows with a shared prefix (not built yet).")
  private int rows;

  @Option(
      names = "--repeat",
      paramLabel = "N",
      defaultValue = "5",
      description = "Rounds (default: ${DEFAULT-VALUE}).")
  private int repeat;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Compute threads (default: the machine's cores).")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--kernels",
      paramLabel = "auto|scalar|vector",
      defaultValue = "auto",
      description = "CPU kernel path (default: ${DEFAULT-VALUE}).")
  private String kernels = "";

  @Option(names = "--json", description = "Print one JSON document.")
  private boolean json;

  @Option(names = "--debug", description = "Print stack traces of failures.")
  private boolean debug;

  /// A command that answers on `console`.
  public BenchCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if ((model == null) == (preset == null)) {
      throw usage("Give one of --model and --preset", "--preset");
    }
    if (rows > 0) {
      throw ErrorReport.of(ErrorCode.UNSUPPORTED_FEATURE, "Option --rows is not built yet")
          .key("--rows")
          .exception();
    }
    if (model != null) {
      run(model, model.getFileName() == null ? "model" : model.getFileName().toString());
      return 0;
    }
    ModelShape shape =
        Stream.of(ModelShape.MODEL_S, ModelShape.SCOUT_SLICE)
            .filter(known -> known.name().equals(preset))
            .findFirst()
            .orElseThrow(() -> usage("Unknown preset [" + preset + "]", "--preset"));
    Path directory = Files.createTempDirectory("spark-llama4-bench");
    try {
      console.note("Making a checkpoint of shape " + shape.name() + " in " + directory);
      MadeCheckpoint.write(shape, directory);
      run(directory, shape.name());
    } finally {
      try (Stream<Path> files = Files.walk(directory)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
    return 0;
  }

  private static CommandFailures.UsageException usage(String message, String key) {
    return new CommandFailures.UsageException(
        ErrorReport.of(ErrorCode.INVALID_OPTION, message)
            .found("", "model-s, scout-slice")
            .key(key));
  }

  private void run(Path directory, String name) throws InterruptedException {
    try (Checkpoint checkpoint = Checkpoint.open(directory);
        Backend backend = Backends.open("cpu", new BackendOptions(kernels, threads, true));
        Cases cases = new Cases(checkpoint, backend)) {
      Work work = new Work(checkpoint.weights());
      List<Measured> all = new ArrayList<>();
      prefill.forEach(n -> all.add(Measured.prefill(n, work)));
      decode.forEach(n -> all.add(Measured.decode(n, prompt, tokens, work)));
      for (Measured measured : all) {
        measured.warmUp(cases);
      }
      for (int round = 1; round <= repeat; round++) {
        console.note("Round " + round + " of " + repeat);
        for (Measured measured : all) {
          measured.measure(cases, backend);
        }
      }
      print(name, backend, all);
    }
  }

  private void print(String name, Backend backend, List<Measured> all) {
    if (!json) {
      Machine.describe().ifPresent(console::line);
      for (Measured measured : all) {
        console.line(
            String.format(
                Locale.ROOT,
                "%-8s %6d %10.1f tokens/s   %4.0f %% of %s",
                measured.name(),
                measured.n(),
                measured.median(),
                100 * measured.share(),
                measured.ceilingName()));
      }
      return;
    }
    ObjectNode document = Documents.start("spark-llama4.bench.v1");
    document.put("peer", "spark-llama4").put("version", Machine.version());
    document.put("model", name).put("threads", threads);
    document
        .putObject("backend")
        .put("name", backend.name())
        .put("kernels", backend.kernelPath())
        .put("threads", threads)
        .put("ranks", 1)
        .put("strict", backend.isStrict());
    Machine.put(document.putObject("cpu"));
    ceilings(document.putObject("ceilings"), all);
    ArrayNode cases = document.putArray("cases");
    for (Measured measured : all) {
      ObjectNode entry = cases.addObject().put("case", measured.name()).put("n", measured.n());
      measured.tokensPerSecond().forEach(entry.putArray("tokens_per_s")::add);
      entry.put("median", measured.median()).put("share_of_ceiling", measured.share());
    }
    document.put("peak_rss_mib", Machine.peakResidentMebibytes());
    console.document(document);
  }

  private static void ceilings(ObjectNode node, List<Measured> all) {
    Optional<Ceilings> typical = Measured.medianCeilings(all);
    node.put("fp32_gflops", typical.map(c -> c.fp32Flops() / 1e9).orElse(0.0));
    node.putNull("bf16_gflops").putNull("int8_gops");
    node.put("read_gb_per_s", typical.map(c -> c.readBytesPerSecond() / 1e9).orElse(0.0));
  }

  boolean isDebug() {
    return debug;
  }
}
