package io.sparkllama4.cli.gpu;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.BackendOptions;
import io.sparkllama4.backend.Backends;
import io.sparkllama4.backend.check.CheckResult;
import io.sparkllama4.backend.check.CheckRun;
import io.sparkllama4.backend.check.DeviceTests;
import io.sparkllama4.backend.check.DeviceTestsProvider;
import io.sparkllama4.backend.check.Finding;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.runtime.plan.GpuType;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/// Tests a GPU: its driver, its kernels, their speed, and whole models.
public final class SelfTest {
  /// Why no speed is measured.
  static final String NO_SPEED =
      "not wanted: --speed is off, or auto where the processor plays the device; --speed on"
          + " measures it";

  private static final String BACKEND = "cuda";

  private final SelfTestPlan plan;
  private final Consumer<String> progress;

  /// @param progress told of each check
  public SelfTest(SelfTestPlan plan, Consumer<String> progress) {
    this.plan = plan;
    this.progress = progress;
  }

  /// Runs all parts that are wanted.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with BACKEND_UNAVAILABLE where there is no GPU
  public SelfTestReport run() {
    DeviceTests tests = tests();
    DeviceTests.Facts facts = tests.facts();
    progress.accept(facts.name() + ", driver " + facts.driver());
    Optional<DeviceTests.DataSheet> sheet = sheet(facts);
    boolean measures = plan.measures().orElse(!facts.isEmulated());
    CheckRun.Limit limit = new CheckRun.Limit(System::nanoTime, plan.seconds());
    Map<SelfTestPlan.Part, List<CheckResult>> results = new EnumMap<>(SelfTestPlan.Part.class);
    Optional<String> lost = Optional.empty();
    for (SelfTestPlan.Part part : SelfTestPlan.Part.values()) {
      CheckRun run = new CheckRun(limit, result -> tell(part, result), lost);
      if (plan.parts().contains(part)) {
        switch (part) {
          case DRIVER -> tests.driver(run);
          case KERNELS -> kernels(tests, run);
          case SPEED -> speed(tests, run, measures, sheet);
          case END_TO_END -> new EndToEnd(plan, facts.isEmulated(), progress).run(run, measures);
        }
      }
      lost = run.loss();
      results.put(part, run.results());
    }
    return new SelfTestReport(facts, sheet, results, limit.used());
  }

  private DeviceTests tests() {
    return Backends.providers().stream()
        .filter(provider -> provider.name().equals(BACKEND))
        .filter(DeviceTestsProvider.class::isInstance)
        .map(DeviceTestsProvider.class::cast)
        .findFirst()
        .orElseThrow(
            () ->
                ErrorReport.of(
                        ErrorCode.BACKEND_UNAVAILABLE,
                        "This build has no backend [" + BACKEND + "] that tests its devices")
                    .exception())
        .deviceTests(plan.devices());
  }

  private static Optional<DeviceTests.DataSheet> sheet(DeviceTests.Facts facts) {
    long memory = facts.attributes().getOrDefault("memory_bytes", 0L);
    return GpuType.ofDevice(facts.name(), memory)
        .map(
            card ->
                new DeviceTests.DataSheet(card.name(), card.bytesPerSecond(), card.bf16Flops()));
  }

  private static void kernels(DeviceTests tests, CheckRun run) {
    try (Backend plain = Backends.open("cpu", new BackendOptions("scalar", 1, true))) {
      tests.kernels(run, plain);
    }
  }

  private static void speed(
      DeviceTests tests, CheckRun run, boolean measures, Optional<DeviceTests.DataSheet> sheet) {
    if (measures) {
      tests.speed(run, sheet);
    } else {
      run.check("all", () -> Finding.skipped(NO_SPEED));
    }
  }

  private void tell(SelfTestPlan.Part part, CheckResult result) {
    progress.accept(part.label() + ": " + SelfTestReport.line(result));
  }
}
