package io.sparkllama4.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.check.CheckResult;
import io.sparkllama4.backend.check.CheckRun;
import io.sparkllama4.backend.check.DeviceTests;
import io.sparkllama4.backend.check.Finding;
import io.sparkllama4.backend.cpu.CpuBackend;
import io.sparkllama4.backend.cpu.ScalarKernels;
import io.sparkllama4.tensor.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The self-test sees what is wrong: errors of the driver, a lost device, kernels that do nothing,
/// a specification that says something else, speeds that cannot be. That it passes where nothing is
/// wrong is a test of the command.
@Timeout(300)
class CudaSelfTestTest {
  private static final double LONG = 1e6;

  private final EmulatedDriver emulated = EmulatedDriver.fresh();

  private CudaSelfTest selfTest(int devices) {
    emulated.devices(devices);
    emulated.strict(true);
    return new CudaSelfTest(
        emulated.driver(),
        IntStream.range(0, devices).mapToObj(i -> DeviceInfo.read(emulated.driver(), i)).toList());
  }

  private static CheckRun run() {
    return new CheckRun(new CheckRun.Limit(() -> 0, LONG), _ -> {}, Optional.empty());
  }

  /// A run whose time is over behind the check `last`.
  private static CheckRun until(String last) {
    AtomicLong clock = new AtomicLong();
    return new CheckRun(
        new CheckRun.Limit(clock::get, LONG),
        result -> {
          if (result.name().equals(last)) {
            clock.set(Long.MAX_VALUE);
          }
        },
        Optional.empty());
  }

  private static Finding finding(CheckRun run, String name) {
    return run.results().stream()
        .filter(result -> result.name().equals(name))
        .map(CheckResult::finding)
        .findFirst()
        .orElseThrow();
  }

  private static List<String> names(CheckRun run, Finding.Status status) {
    return run.results().stream()
        .filter(result -> result.finding().status() == status)
        .map(CheckResult::name)
        .toList();
  }

  @Test
  void twoDevicesCopyToEachOther() {
    CheckRun run = run();
    selfTest(2).driver(run);
    assertThat(names(run, Finding.Status.FAILED)).isEmpty();
    assertThat(names(run, Finding.Status.SKIPPED)).isEmpty();
    assertThat(finding(run, "peer_copies").text()).contains("there and back");
    assertThat(emulated.allocations()).isZero();
  }

  @Test
  void aCallThatFailsFailsItsCheckAlone() {
    emulated.fail("cuMemcpyDtoDAsync_v2", 1, CudaError.INVALID_VALUE);
    CheckRun run = run();
    selfTest(1).driver(run);
    assertThat(names(run, Finding.Status.FAILED)).containsExactly("streams_in_order");
    assertThat(finding(run, "streams_in_order").text()).contains("cuMemcpyDtoDAsync_v2");
    assertThat(names(run, Finding.Status.SKIPPED)).containsExactly("peer_copies");
    assertThat(emulated.allocations()).isZero();
  }

  @Test
  void aLostDeviceIsAskedForNothingMore() {
    emulated.fail("cuMemcpyDtoDAsync_v2", 1, CudaError.ILLEGAL_ADDRESS);
    CheckRun run = run();
    CudaSelfTest test = selfTest(1);
    test.driver(run);
    assertThat(names(run, Finding.Status.FAILED)).containsExactly("streams_in_order");
    assertThat(names(run, Finding.Status.PASSED)).isEmpty();
    assertThat(finding(run, "out_of_memory").text()).contains("lost", "ILLEGAL_ADDRESS");
    assertThat(emulated.allocations()).isZero();
  }

  @Test
  void kernelsThatDoNothingAreSeen() {
    emulated.nullKernels(true);
    CheckRun driver = run();
    CudaSelfTest test = selfTest(1);
    test.driver(driver);
    assertThat(names(driver, Finding.Status.FAILED))
        .containsExactly(
            "graphs",
            "failed_recording",
            "arguments",
            "launch_limits",
            "shared_memory",
            "mapped_memory",
            "out_of_memory");
    CheckRun kernels = run();
    try (Backend plain = CpuBackend.scalar()) {
      test.kernels(kernels, plain);
    }
    assertThat(names(kernels, Finding.Status.PASSED)).isSubsetOf("all_kernels");
    assertThat(kernels.results()).hasSizeGreaterThan(50);
  }

  @Test
  void anotherSpecificationIsSeen() {
    CheckRun run = until("addition");
    ScalarKernels other =
        new ScalarKernels() {
          @Override
          public void rmsNorm(Tensor input, Tensor weight, float epsilon, Tensor output) {
            super.rmsNorm(input, weight, epsilon, output);
            output.set(0, output.at(0) + 1e-2f);
          }
        };
    try (Backend plain = CpuBackend.plain(other, 1)) {
      selfTest(1).kernels(run, plain);
    }
    assertThat(names(run, Finding.Status.PASSED)).containsExactly("embedding", "addition");
    assertThat(names(run, Finding.Status.FAILED)).containsExactly("norm");
    assertThat(finding(run, "norm").text()).contains("where", "is right");
    assertThat(finding(run, "norm").figures().get("largest_error")).isBetween(9e-3, 1.1e-2);
    assertThat(finding(run, "all_kernels").text()).contains("no time");
  }

  @Test
  void kernelsThatNoCheckLaunchesAreNamed() {
    // Time that begins again behind the first checks.
    AtomicLong clock = new AtomicLong();
    CheckRun run =
        new CheckRun(
            new CheckRun.Limit(clock::get, LONG),
            result -> {
              boolean isOver = !result.name().equals("attention_fp8_128_chunk_0_rounded");
              clock.set(isOver ? Long.MAX_VALUE : 0);
            },
            Optional.empty());
    try (Backend plain = CpuBackend.scalar()) {
      selfTest(1).kernels(run, plain);
    }
    assertThat(names(run, Finding.Status.PASSED)).containsExactly("embedding");
    Finding coverage = finding(run, "all_kernels");
    assertThat(coverage.status()).isEqualTo(Finding.Status.FAILED);
    assertThat(coverage.text())
        .contains("rms_norm", "attend_prefill_e4m3_128", "matmul_gated_int4_64")
        .doesNotContain("embed,");
  }

  @Test
  void speedsBeyondTheDataSheetAreNone() {
    CheckRun run = until("products_bf16_20");
    selfTest(1).speed(run, Optional.of(new DeviceTests.DataSheet("slow", 1, 1)));
    assertThat(names(run, Finding.Status.FAILED))
        .containsExactly("copy", "products_bf16_1", "experts_bf16_1", "products_bf16_20");
    assertThat(finding(run, "copy").text()).contains("faster than the card's memory");
    assertThat(finding(run, "products_bf16_1").text()).contains("more than the card can do");
    assertThat(emulated.allocations()).isZero();
  }

  @Test
  void factsAreThoseOfTheDriver() {
    DeviceTests.Facts facts = selfTest(1).facts();
    assertThat(facts.isEmulated()).isTrue();
    assertThat(facts.driver()).matches("1[0-9][.][0-9]");
    assertThat(facts.computeCapability()).isEqualTo("9.0");
    assertThat(facts.attributes())
        .containsKeys("memory_bytes", "multiprocessors", "clock_khz", "shared_bytes_of_block");
  }
}
