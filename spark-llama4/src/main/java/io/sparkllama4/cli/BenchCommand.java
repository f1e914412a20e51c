package io.sparkllama4.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.cli.bench.BenchModel;
import io.sparkllama4.cli.bench.BenchReport;
import io.sparkllama4.cli.bench.Benchmark;
import io.sparkllama4.cli.bench.Loading;
import io.sparkllama4.cli.bench.MemoryWatch;
import io.sparkllama4.cli.bench.ModelShape;
import io.sparkllama4.cli.bench.Presets;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.runtime.RuntimeOptions;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
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
      paramLabel = "model-s|scout-slice|tiny",
      description = "A checkpoint of random weights, made on its first use and kept.")
  private @Nullable String preset;

  @Option(
      names = "--preset-dir",
      paramLabel = "DIR",
      description = "Where made checkpoints are kept (default: in the user's cache directory).")
  private @Nullable Path presetDirectory;

  @Mixin private BenchOptions cases = new BenchOptions();

  @Option(names = "--load", description = "Measure first how long loading takes, cold and warm.")
  private boolean load;

  @Mixin private RunOptions run = new RunOptions();

  /// A command that answers on `console`.
  public BenchCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws InterruptedException {
    RuntimeOptions options = run.runtime();
    Benchmark benchmark = new Benchmark(cases.plan(options.engine().maxBatch()), console::note);
    if (model != null && preset == null) {
      measure(benchmark, model, name(model), options);
    } else if (preset != null && model == null) {
      ModelShape shape = shape(preset);
      Path kept = presetDirectory == null ? Presets.defaultDirectory() : presetDirectory;
      Path made = Presets.checkpoint(shape, kept, options.weights(), console::note);
      measure(benchmark, made, shape.name(), options);
    } else {
      throw usage("Give one of --model and --preset", "both or none", "one of them");
    }
    return 0;
  }

  private static ModelShape shape(String preset) {
    return ModelShape.named(preset)
        .orElseThrow(
            () -> usage("Unknown preset [" + preset + "]", preset, "model-s, scout-slice, tiny"));
  }

  private static CommandFailures.UsageException usage(
      String message, String found, String expected) {
    return new CommandFailures.UsageException(
        ErrorReport.of(ErrorCode.INVALID_OPTION, message).found(found, expected).key("--preset"));
  }

  private static String name(Path directory) {
    Path last = directory.toAbsolutePath().normalize().getFileName();
    return last == null ? "model" : last.toString();
  }

  private void measure(Benchmark benchmark, Path directory, String name, RuntimeOptions options)
      throws InterruptedException {
    ObjectNode document = Documents.start("spark-llama4.bench.v1").put("peer", "spark-llama4");
    BenchReport.describeMachine(document);
    try (MemoryWatch memory = MemoryWatch.start()) {
      measure(benchmark, directory, name, options, document, memory);
    }
  }

  private void measure(
      Benchmark benchmark,
      Path directory,
      String name,
      RuntimeOptions options,
      ObjectNode document,
      MemoryWatch memory)
      throws InterruptedException {
    Optional<Loading> loading =
        load ? Optional.of(Loading.measure(directory, options)) : Optional.empty();
    try (BenchModel subject = BenchModel.open(directory, options)) {
      document.put("model", name).put("threads", subject.handle().backend().threads());
      Documents.backend(document, subject.handle());
      BenchReport report = benchmark.run(subject, options.engine().prefixCache());
      report.describe(document, subject, memory);
      loading.ifPresent(times -> BenchReport.describe(times, document.putObject("load")));
      if (run.json()) {
        console.document(document);
      } else {
        loading.ifPresent(times -> console.line(line(times)));
        report.lines(memory).forEach(console::line);
      }
    }
  }

  private static String line(Loading times) {
    return String.format(
        Locale.ROOT,
        "Loading %.2f GB into %.2f GB: cold %s, warm %s, from packed weights %s",
        times.storedBytes() / 1e9,
        times.bytes() / 1e9,
        times.coldSeconds().map(seconds -> speed(times, seconds)).orElse("not measured"),
        speed(times, times.warmSeconds()),
        times
            .cachedSeconds()
            .map(seconds -> String.format(Locale.ROOT, "%.2f s", seconds))
            .orElse("not measured (--weights-cache)"));
  }

  private static String speed(Loading times, double seconds) {
    return String.format(
        Locale.ROOT, "%.2f s (%.2f GB/s)", seconds, times.storedPerSecond(seconds));
  }

  boolean isDebug() {
    return run.debug();
  }
}
