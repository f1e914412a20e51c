package io.sparkllama4.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sparkllama4.backend.BackendOptions;
import io.sparkllama4.backend.Kernels;
import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.EngineOptions;
import io.sparkllama4.engine.TokenLogprob;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Greedy ids and log-probabilities of every oracle on emulated devices, on which keys and values
/// are brain floats: what decides by a hair may decide otherwise there.
@Timeout(300)
class GoldenCudaTest {
  /// What keys and values in bf16 cost, which every layer adds to.
  private static final double TOLERANCE = 5e-2;

  private static final double LOGIT_MARGIN = 0.05;
  private static final double ROUTER_MARGIN = 0.015;

  private static Kernels same(int rank, Kernels made) {
    return made;
  }

  @AfterEach
  void noEmulatedDriverForOtherTests() {
    EmulatedGpu.forget();
  }

  static List<Object[]> cases() {
    List<Object[]> cases = new ArrayList<>();
    int turn = 0;
    for (Oracle oracle : Oracle.all()) {
      for (int schedule = 0; schedule < EmulatedGpu.SCHEDULES; schedule++) {
        // Devices and chunks take turns, so that each schedule meets each of them.
        int devices = turn % 2 + 1;
        int chunk = turn / 2 % 2 == 0 ? 7 : 0;
        cases.add(new Object[] {oracle, schedule, devices, chunk});
        turn++;
      }
      cases.add(new Object[] {oracle, 0, turn % 2 + 1, 7});
    }
    return cases;
  }

  private static EngineOptions batches(int chunk) {
    return new EngineOptions(8, chunk, 1024);
  }

  @ParameterizedTest(name = "{0} schedule={1} devices={2} prefill-chunk={3}")
  @MethodSource("cases")
  void answersAsTheReference(Oracle oracle, int schedule, int devices, int chunk) {
    EmulatedGpu emulated = EmulatedGpu.fresh(devices, schedule);
    Rows rows = new Rows();
    for (Oracle.Prompt prompt : oracle.prompts()) {
      rows.generate(prompt.ids(), Rows.greedy(prompt.greedyIds().size()));
    }
    BackendOptions options = new BackendOptions("auto", 1, true, devices);
    int decided = 0;
    try (TestModel model =
        new TestModel(oracle, "cuda", options, batches(chunk), GoldenCudaTest::same)) {
      List<Completion> answers = model.answer(rows);
      for (int i = 0; i < oracle.prompts().size(); i++) {
        Oracle.Prompt prompt = oracle.prompts().get(i);
        assertThat(answers.get(i).error()).as(prompt.name()).isEmpty();
        boolean isDecided =
            prompt.robust()
                || (prompt.logitMargin() > LOGIT_MARGIN && prompt.routerMargin() > ROUTER_MARGIN);
        if (isDecided) {
          decided++;
          check(prompt, answers.get(i));
        }
      }
    }
    assertThat(decided).as("prompts that were compared").isPositive();
    assertThat(emulated.allocations()).as("left on the devices").isZero();
  }

  private static void check(Oracle.Prompt prompt, Completion answer) {
    assertThat(Arrays.stream(answer.ids()).boxed().toList())
        .as(prompt.name())
        .isEqualTo(prompt.greedyIds());
    for (int i = 0; i < answer.ids().length; i++) {
      TokenLogprob logprob = answer.logprobs().get(i);
      assertThat((double) logprob.logprob())
          .as("%s, token %d", prompt.name(), i)
          .isCloseTo(prompt.greedyLogprobs().get(i), within(TOLERANCE));
    }
  }

  @Test
  void stepsOfSingleTokensAreRecordedAndPlayedAgain() {
    EmulatedGpu emulated = EmulatedGpu.fresh(1, 0);
    Oracle oracle = Oracle.named("scout");
    Rows rows = new Rows();
    rows.generate(oracle.prompts().getFirst().ids(), Rows.greedy(20));
    EngineOptions options = batches(0).withoutSpeculation();
    try (TestModel model =
        new TestModel(
            oracle, "cuda", new BackendOptions("auto", 1, true), options, GoldenCudaTest::same)) {
      assertThat(model.answer(rows).getFirst().error()).isEmpty();
      // The first step runs plainly, the second is recorded; all others are played.
      assertThat(emulated.calls("cuStreamBeginCapture_v2")).isEqualTo(1);
      assertThat(emulated.calls("cuGraphLaunch")).isGreaterThanOrEqualTo(17);
    }
  }

  /// The same bits alone, with 7 and with 63 others, whatever the chunk and the devices' order.
  @ParameterizedTest
  @MethodSource("strictCases")
  void answersDoNotDependOnWhatSharesTheStep(String name, int devices) {
    Oracle oracle = Oracle.named(name);
    List<Completion> expected = List.of();
    for (int others : new int[] {0, 7, 63}) {
      for (int chunk : new int[] {0, 3}) {
        int schedule = (others + chunk) % EmulatedGpu.SCHEDULES;
        EmulatedGpu emulated = EmulatedGpu.fresh(devices, schedule);
        List<Completion> answers = together(oracle, devices, others, chunk);
        assertThat(emulated.allocations()).as("left on the devices").isZero();
        if (expected.isEmpty()) {
          expected = answers;
        }
        for (int i = 0; i < answers.size(); i++) {
          assertThat(bits(answers.get(i)))
              .as("%s, %d others, chunk %d", name, others, chunk)
              .isEqualTo(bits(expected.get(i)));
        }
      }
    }
  }

  static List<Object[]> strictCases() {
    return List.of(
        new Object[] {"scout", 1}, new Object[] {"w4a16", 1}, new Object[] {"top2-gqa5", 2});
  }

  /// The answer to the longest prompt beside `others` rows of other prompts.
  private static List<Completion> together(Oracle oracle, int devices, int others, int chunk) {
    List<Oracle.Prompt> prompts = oracle.prompts();
    Oracle.Prompt longest = prompts.get(3);
    Rows rows = new Rows();
    for (int i = 0; i < others; i++) {
      if (i == others / 2) {
        rows.generate(longest.ids(), Rows.greedy(12));
      }
      rows.generate(prompts.get(i % 3).ids(), Rows.greedy(4 + i % 7));
    }
    if (others == 0) {
      rows.generate(longest.ids(), Rows.greedy(12));
    }
    EngineOptions options =
        new EngineOptions(64, chunk, 4096).withoutShortcuts().withoutSpeculation();
    try (TestModel model =
        new TestModel(
            oracle,
            "cuda",
            new BackendOptions("auto", 1, true, devices),
            options,
            GoldenCudaTest::same)) {
      return List.of(model.answer(rows).get(others / 2));
    }
  }

  private static List<Object> bits(Completion answer) {
    assertThat(answer.error()).isEmpty();
    List<Object> bits = new ArrayList<>();
    for (int i = 0; i < answer.ids().length; i++) {
      bits.add(answer.ids()[i]);
      bits.add(Float.floatToRawIntBits(answer.logprobs().get(i).logprob()));
    }
    return bits;
  }
}
