package io.sparkllama4.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.backend.check.Finding;
import io.sparkllama4.cli.bench.Presets;
import io.sparkllama4.cli.gpu.SelfTest;
import io.sparkllama4.cli.gpu.SelfTestPlan;
import io.sparkllama4.cli.gpu.SelfTestReport;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `gpu-selftest`: whether the GPU of this host computes what it should, and how fast.
@Command(
    name = "gpu-selftest",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Tests the GPU of this host: its driver, every kernel against plain loops, the speed of"
          + " kernels, and whole models. Ends with 1 where a check fails."
    })
public final class GpuSelfTestCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = "--parts",
      paramLabel = "driver,kernels,speed,end_to_end",
      description = "The parts to run (default: all).")
  private @Nullable String parts;

  @Option(
      names = "--speed",
      paramLabel = "auto|on|off",
      defaultValue = "auto",
      description =
          "Measure speeds; auto: unless the processor plays the device"
              + " (default: ${DEFAULT-VALUE}).")
  private String speed = "";

  @Option(
      names = "--seconds",
      paramLabel = "N",
      defaultValue = "280",
      description =
          "Time for all of it; checks that no longer fit are skipped, and say so"
              + " (default: ${DEFAULT-VALUE}).")
  private int seconds;

  @Option(
      names = "--device",
      paramLabel = "ADDRESS",
      description =
          "The device: its number under CUDA_VISIBLE_DEVICES, or the beginning of its identity"
              + " (default: the first).")
  private @Nullable String device;

  @Option(
      names = "--preset-dir",
      paramLabel = "DIR",
      description = "Where made checkpoints are kept (default: in the user's cache directory).")
  private @Nullable Path presets;

  @Mixin private OutputOptions output = new OutputOptions();

  /// A command that answers on `console`.
  public GpuSelfTestCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    SelfTestReport report = new SelfTest(plan(), console::note).run();
    if (output.json()) {
      ObjectNode document = Documents.start("spark-llama4.gpu-selftest.v1");
      report.describe(document);
      console.document(document);
    } else {
      report.lines().forEach(console::line);
    }
    return report.count(Finding.Status.FAILED) == 0 ? 0 : CommandFailures.FAILED;
  }

  private SelfTestPlan plan() {
    OptionValues.requireOneOf("--speed", speed, "auto", "on", "off");
    OptionValues.requireAtLeast("--seconds", seconds, 1);
    return new SelfTestPlan(
        wanted(),
        speed.equals("auto") ? Optional.empty() : Optional.of(speed.equals("on")),
        seconds,
        device == null ? List.of() : List.of(device),
        presets == null ? Presets.defaultDirectory() : presets);
  }

  private Set<SelfTestPlan.Part> wanted() {
    Set<SelfTestPlan.Part> all = EnumSet.allOf(SelfTestPlan.Part.class);
    if (parts == null) {
      return all;
    }
    Set<SelfTestPlan.Part> wanted = EnumSet.noneOf(SelfTestPlan.Part.class);
    for (String name : parts.split(",", -1)) {
      SelfTestPlan.Part part =
          all.stream()
              .filter(each -> each.label().equals(name.strip()))
              .findFirst()
              .orElseThrow(() -> OptionValues.wrong("--parts", name, allLabels()));
      wanted.add(part);
    }
    return wanted;
  }

  private static String allLabels() {
    return Arrays.stream(SelfTestPlan.Part.values())
        .map(SelfTestPlan.Part::label)
        .collect(Collectors.joining(", "));
  }
}
