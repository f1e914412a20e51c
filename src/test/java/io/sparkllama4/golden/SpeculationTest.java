package io.sparkllama4.golden;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.backend.BackendOptions;
import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.EngineOptions;
import io.sparkllama4.engine.EngineStats;
import io.sparkllama4.engine.SamplingParams;
import io.sparkllama4.engine.SpeculationMode;
import io.sparkllama4.tensor.NativeArena;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Guessed tokens that are verified several at a time make the answer that single steps make.
class SpeculationTest {
  private static EngineOptions options(
      int maxBatch, int prefillChunk, int kvTokens, SpeculationMode mode) {
    return new EngineOptions(maxBatch, prefillChunk, kvTokens, false, mode);
  }

  /// Prompts in which everything stands twice, continued in all ways that there are.
  private static Rows rows() {
    Rows rows = new Rows();
    for (int row = 0; row < 12; row++) {
      Random random = new Random(row);
      List<Integer> half = random.ints(3 + row * 2, 0, 60).boxed().toList();
      List<Integer> prompt = new ArrayList<>(half);
      prompt.addAll(half);
      int tokens = 90 + row;
      switch (row % 4) {
        case 0 -> rows.generate(prompt, Rows.greedy(tokens));
        case 1 -> rows.generate(prompt, oneOfTwo(tokens, row));
        case 2 -> rows.generate(prompt, stopped(tokens, row));
        default -> {
          rows.score(prompt, 2);
          rows.choose(prompt, List.of(new int[] {1, 2, 3}, new int[] {1, 4}));
        }
      }
    }
    return rows;
  }

  /// One of the two best tokens at random, so that outputs repeat themselves now and then.
  private static SamplingParams oneOfTwo(int tokens, int row) {
    return new SamplingParams(
        tokens, 0.8, 0.95, 2, 0.01, 0.01, 0, 1.01, row, List.of(), List.of(), true, 2);
  }

  /// Greedy with penalties, ended by any of many ids and by a text over two tokens.
  private static SamplingParams stopped(int tokens, int row) {
    List<Integer> ids = IntStream.range(10 * row, 10 * row + 3).boxed().toList();
    return new SamplingParams(
        tokens, 0, 1, 0, 0, 0.01, 0.01, 1, 0, List.of("><7", "><25"), ids, true, 0);
  }

  @ParameterizedTest
  @CsvSource({"scout,1", "chunked,1", "maverick,1", "w4a16,1", "dense,1", "chunked,2"})
  void changesNoBit(String name, int ranks) {
    BackendOptions one = new BackendOptions("auto", ranks, true, ranks);
    BackendOptions two = new BackendOptions("auto", 2 * ranks, true, ranks);
    Oracle oracle = Oracle.named(name);
    List<Completion> expected;
    try (TestModel model = new TestModel(oracle, one, options(64, 512, 0, SpeculationMode.OFF))) {
      expected = model.answer(rows());
      assertThat(model.stats().draftedTokens()).isZero();
    }
    for (EngineOptions options :
        List.of(
            options(64, 512, 0, SpeculationMode.ON),
            options(1, 0, 0, SpeculationMode.ON),
            options(5, 7, 0, SpeculationMode.ON),
            options(64, 5, 304, SpeculationMode.ON),
            new EngineOptions(3, 3, 0, true, SpeculationMode.ON),
            new EngineOptions(64, 0, 304, true, SpeculationMode.ON),
            EngineOptions.DEFAULT)) {
      try (TestModel model = new TestModel(oracle, two, options)) {
        List<Completion> answers = model.answer(rows());
        assertThat(Bits.of(answers)).as("%s", options).isEqualTo(Bits.of(expected));
        EngineStats stats = model.stats();
        assertThat(stats.generatedTokens())
            .as("%s", options)
            .isEqualTo(
                answers.stream().mapToLong(answer -> answer.usage().completionTokens()).sum());
        if (options.speculation() == SpeculationMode.ON) {
          assertThat(stats.draftedTokens()).as("%s", options).isPositive();
        }
      }
    }
    assertThat(NativeArena.openBytes()).as("native memory after all is closed").isZero();
  }

  /// A model that repeats itself is guessed right.
  @Test
  void takesFewerStepsWhereGuessesAreRight() {
    Oracle oracle = Oracle.named("scout");
    Rows rows = new Rows().generate(List.of(1, 2, 3), Rows.greedy(300));
    long steps;
    List<Completion> expected;
    try (TestModel model =
        new TestModel(oracle, "auto", 2, options(64, 512, 0, SpeculationMode.OFF))) {
      expected = model.answer(rows);
      steps = model.stats().steps();
      assertThat(steps).isEqualTo(300);
    }
    try (TestModel model =
        new TestModel(oracle, "auto", 2, options(64, 512, 0, SpeculationMode.ON))) {
      assertThat(Bits.of(model.answer(rows))).isEqualTo(Bits.of(expected));
      EngineStats stats = model.stats();
      assertThat(stats.acceptedTokens()).isPositive().isLessThanOrEqualTo(stats.draftedTokens());
      assertThat(stats.steps()).isEqualTo(300 - stats.acceptedTokens());
    }
  }
}
