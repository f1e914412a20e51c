package io.sparkllama4.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sparkllama4.backend.BackendOptions;
import io.sparkllama4.backend.cuda.CudaError;
import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.EngineOptions;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Sums over ranks by an emulated NCCL, which lies in the library of the emulated driver: where it
/// is used, where not and why, and what becomes of ranks that wait for one that has failed.
@Timeout(120)
class NcclTest {
  private static final String PROPERTY = "spark.llama4.nccl.library";
  private static final double ROUNDING = 2e-2;

  private EmulatedGpu emulated = EmulatedGpu.fresh(2, 0);

  @BeforeEach
  void twoDevices() {
    emulated = EmulatedGpu.fresh(2, 0);
    System.setProperty(PROPERTY, EmulatedGpu.library().toString());
  }

  @AfterEach
  void leavesNothing() {
    System.clearProperty(PROPERTY);
    assertThat(emulated.allocations()).as("left on the devices").isZero();
    EmulatedGpu.forget();
  }

  private static TestModel model(Oracle oracle, boolean strict) {
    return new TestModel(
        oracle,
        "cuda",
        new BackendOptions("auto", 1, strict, 2),
        new EngineOptions(8, 0, 1024).withoutSpeculation(),
        (_, made) -> made);
  }

  private static Rows rows(Oracle oracle) {
    Rows rows = new Rows();
    oracle.prompts().forEach(prompt -> rows.score(prompt.ids(), 1));
    return rows;
  }

  private static void areAlike(List<Completion> some, List<Completion> others) {
    assertThat(some).hasSameSizeAs(others);
    for (int i = 0; i < some.size(); i++) {
      assertThat(some.get(i).error()).isEmpty();
      assertThat(others.get(i).error()).isEmpty();
      for (int t = 0; t < some.get(i).logprobs().size(); t++) {
        assertThat((double) some.get(i).logprobs().get(t).logprob())
            .isCloseTo(others.get(i).logprobs().get(t).logprob(), within(ROUNDING));
      }
    }
  }

  @Test
  void sumsOverRanksWhereStrictIsOff() {
    Oracle oracle = Oracle.named("dense");
    try (TestModel nccl = model(oracle, false)) {
      assertThat(nccl.backend().kernelDetail()).endsWith("sums over ranks by NCCL 2.27.3");
      long before = emulated.calls("cuMemcpyPeerAsync");
      List<Completion> summed = nccl.answer(rows(oracle));
      long copies = emulated.calls("cuMemcpyPeerAsync") - before;
      System.clearProperty(PROPERTY);
      try (TestModel peers = model(oracle, false)) {
        assertThat(peers.backend().kernelDetail())
            .contains("sums over ranks by copies between devices (no NCCL: ", "libnccl.so.2");
        before = emulated.calls("cuMemcpyPeerAsync");
        areAlike(summed, peers.answer(rows(oracle)));
        // What is left are the columns of the logits.
        assertThat(emulated.calls("cuMemcpyPeerAsync") - before).isGreaterThan(2 * copies);
      }
    }
  }

  @Test
  void strictSumsAreTheBackends() {
    try (TestModel strict = model(Oracle.named("dense"), true)) {
      assertThat(strict.backend().kernelDetail())
          .contains("sums over ranks by copies between devices (strict: ");
    }
  }

  @Test
  void whoWaitsForARankThatFailedIsLetGo() {
    Oracle oracle = Oracle.named("dense");
    try (TestModel model = model(oracle, false)) {
      List<Completion> before = model.answer(rows(oracle));
      emulated.fail("cuLaunchKernel", 40, CudaError.INVALID_VALUE.code());
      List<Completion> failed = model.answer(rows(oracle));
      assertThat(failed).anyMatch(answer -> answer.error().isPresent());
      // From then on the devices give each other their sums themselves.
      areAlike(before, model.answer(rows(oracle)));
    }
  }

  @Test
  void aLibraryThatIsNoneOrDoesNotWorkIsExplained() {
    System.setProperty(PROPERTY, "/nowhere/libnccl.so");
    try (TestModel model = model(Oracle.named("dense"), false)) {
      assertThat(model.backend().kernelDetail())
          .contains("no NCCL: cannot open [/nowhere/libnccl.so]", "as " + PROPERTY + " asks");
    }
    System.setProperty(PROPERTY, "libm.so.6");
    try (TestModel model = model(Oracle.named("dense"), false)) {
      assertThat(model.backend().kernelDetail())
          .contains("no NCCL: [libm.so.6] has no function ncclGetVersion");
    }
  }
}
