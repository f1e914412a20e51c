package io.sparkllama4.benchmarks.host;

import io.sparkllama4.cli.bench.Presets;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// What a decode step on a GPU costs its host outside the driver: scheduling, uploads, launches of
/// recorded steps, sampling's requests and answers, text. The GPU is emulated, and its kernels do
/// nothing, so that only the host works.
@Command(
    name = "bench-host",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Measures what a decode step on a device costs its host outside the driver.")
public final class HostBenchmark implements Callable<Integer> {
  /// Of the emulated device, which takes of it what is written.
  private static final long DEVICE_BYTES = 16L << 30;

  @Option(
      names = "--emulator",
      paramLabel = "FILE",
      required = true,
      description = "The emulated driver, made by src/test/cuda-emulator/build.sh.")
  private @Nullable Path emulator;

  @Option(
      names = "--sequences",
      paramLabel = "N",
      defaultValue = "64",
      description = "Sequences side by side (default: ${DEFAULT-VALUE}).")
  private int sequences;

  @Option(
      names = "--prompt",
      paramLabel = "N",
      defaultValue = "16",
      description = "Tokens of each prompt (default: ${DEFAULT-VALUE}).")
  private int prompt;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "400",
      description = "Tokens that each sequence generates in a round (default: ${DEFAULT-VALUE}).")
  private int tokens;

  @Option(
      names = "--warm-up",
      paramLabel = "N",
      defaultValue = "15",
      description = "Rounds before the first that counts (default: ${DEFAULT-VALUE}).")
  private int warmUp;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "10",
      description = "Rounds that count (default: ${DEFAULT-VALUE}).")
  private int rounds;

  @Option(
      names = "--sampled",
      description = "Draw tokens, with temperature, top-p and penalties, instead of the best.")
  private boolean isSampled;

  @Option(
      names = "--preset-dir",
      paramLabel = "DIR",
      description = "Where the made checkpoint is kept (default: in the user's cache directory).")
  private @Nullable Path presetDirectory;

  @Option(names = "--json", description = "Print one JSON document on one line.")
  private boolean json;

  private final PrintStream out;

  private HostBenchmark(PrintStream out) {
    this.out = out;
  }

  /// Runs the command.
  public static void main(String[] arguments) {
    System.exit(
        run(
            new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8),
            arguments));
  }

  /// The exit status.
  static int run(PrintStream out, String... arguments) {
    return new CommandLine(new HostBenchmark(out)).execute(arguments);
  }

  @Override
  public Integer call() throws InterruptedException {
    HostCase measured = new HostCase(sequences, prompt, tokens, warmUp, rounds, isSampled);
    Path checkpoints = Optional.ofNullable(presetDirectory).orElseGet(Presets::defaultDirectory);
    HostReport report = measure(Optional.ofNullable(emulator).orElseThrow(), checkpoints, measured);
    out.print(json ? report.document() + System.lineSeparator() : report.text());
    out.flush();
    return 0;
  }

  private static HostReport measure(Path emulator, Path checkpoints, HostCase measured)
      throws InterruptedException {
    try (DriverTime driver = DriverTime.of(emulator, DEVICE_BYTES)) {
      HostClock clock = new HostClock(driver, measured.sequences());
      run(emulator, checkpoints, measured, driver, clock);
      return new HostReport(measured, clock.steps(), clock.times());
    }
  }

  private static void run(
      Path emulator, Path checkpoints, HostCase measured, DriverTime driver, HostClock clock)
      throws InterruptedException {
    try (HostModel model = HostModel.open(emulator, checkpoints, measured, clock)) {
      // What kernels tell the host once, and ids for all rows, must be there when they stop.
      model.generate(measured.sequences(), 1, measured.params(2));
      driver.stopComputing();
      for (int round = 0; round < measured.warmUp(); round++) {
        model.generate(measured.sequences(), measured.prompt(), measured.params(measured.tokens()));
      }
      clock.count();
      for (int round = 0; round < measured.rounds(); round++) {
        model.generate(measured.sequences(), measured.prompt(), measured.params(measured.tokens()));
      }
    }
  }
}
