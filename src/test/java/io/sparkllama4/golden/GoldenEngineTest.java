package io.sparkllama4.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sparkllama4.backend.BackendOptions;
import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.EngineOptions;
import io.sparkllama4.engine.TokenLogprob;
import io.sparkllama4.tensor.NativeArena;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Greedy ids and log-probabilities of every oracle, all prompts of a checkpoint together, in every
/// way of batching.
class GoldenEngineTest {
  private static final double TOLERANCE = 1e-4;

  static List<Object[]> cases() {
    List<Object[]> cases = new ArrayList<>();
    for (Oracle oracle : Oracle.all()) {
      for (String kernels : TestModel.kernelPaths()) {
        for (int threads : List.of(1, 2)) {
          for (int maxBatch : List.of(1, 8)) {
            for (int chunk : List.of(0, 7)) {
              cases.add(new Object[] {oracle, kernels, threads, 1, maxBatch, chunk});
            }
          }
        }
        for (int ranks : List.of(2, 4)) {
          cases.add(new Object[] {oracle, kernels, 2, ranks, 8, 7});
        }
      }
    }
    return cases;
  }

  @ParameterizedTest(name = "{0} {1} threads={2} ranks={3} max-batch={4} prefill-chunk={5}")
  @MethodSource("cases")
  void answersAsTheReference(
      Oracle oracle, String kernels, int threads, int ranks, int maxBatch, int chunk) {
    Rows rows = new Rows();
    for (Oracle.Prompt prompt : oracle.prompts()) {
      rows.generate(prompt.ids(), Rows.greedy(prompt.greedyIds().size()));
      rows.score(prompt.ids(), 5);
    }
    try (TestModel model =
        new TestModel(
            oracle,
            new BackendOptions(kernels, threads, true, ranks),
            new EngineOptions(maxBatch, chunk, 0))) {
      List<Completion> answers = model.answer(rows);
      for (int i = 0; i < oracle.prompts().size(); i++) {
        checkGreedy(oracle.prompts().get(i), answers.get(2 * i));
        checkScore(oracle.prompts().get(i), answers.get(2 * i + 1));
      }
      assertThat(model.stats().maxRowsPerStep()).isLessThanOrEqualTo(maxBatch);
    }
    assertThat(NativeArena.openBytes()).as("native bytes after closing").isZero();
  }

  private static void checkGreedy(Oracle.Prompt prompt, Completion answer) {
    assertThat(answer.error()).as(prompt.name()).isEmpty();
    assertThat(answer.ids()).as(prompt.name()).containsExactly(toArray(prompt.greedyIds()));
    for (int i = 0; i < answer.ids().length; i++) {
      TokenLogprob logprob = answer.logprobs().get(i);
      assertThat((double) logprob.logprob())
          .as("%s, token %d", prompt.name(), i)
          .isCloseTo(prompt.greedyLogprobs().get(i), within(TOLERANCE));
    }
  }

  private static void checkScore(Oracle.Prompt prompt, Completion answer) {
    assertThat(answer.logprobs()).as(prompt.name()).hasSameSizeAs(prompt.ids());
    for (int i = 0; i < prompt.ids().size(); i++) {
      TokenLogprob score = answer.logprobs().get(i);
      assertThat(score.id()).isEqualTo(prompt.ids().get(i));
      if (i > 0) {
        assertThat((double) score.logprob())
            .as("%s, position %d", prompt.name(), i)
            .isCloseTo(prompt.inputLogprobs().get(i), within(TOLERANCE));
      }
      assertThat(score.alternatives())
          .as("%s, behind position %d", prompt.name(), i)
          .extracting(TokenLogprob.Alternative::id)
          .containsExactlyElementsOf(prompt.topIds().get(i));
      for (int k = 0; k < 5; k++) {
        assertThat((double) score.alternatives().get(k).logprob())
            .isCloseTo(prompt.topLogprobs().get(i).get(k), within(TOLERANCE));
      }
    }
  }

  private static int[] toArray(List<Integer> ids) {
    return ids.stream().mapToInt(i -> i).toArray();
  }
}
