package io.sparkllama4.golden;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.backend.BackendOptions;
import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.EngineOptions;
import io.sparkllama4.engine.EngineStats;
import io.sparkllama4.engine.SpeculationMode;
import io.sparkllama4.tensor.NativeArena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A row that starts from what others have computed has, bit by bit, the answer that it has alone.
class PrefixCacheTest {

  private static List<Integer> ids(Random random, int count) {
    return random.ints(count, 0, 200).boxed().toList();
  }

  private static List<Integer> join(List<Integer> first, List<Integer> second) {
    List<Integer> all = new ArrayList<>(first);
    all.addAll(second);
    return all;
  }

  /// Rows of all tasks over a few beginnings of `longest` tokens at most: the beginning itself, a
  /// part of it, more behind it, the same row twice.
  private static void add(Rows rows, Random random, int longest) {
    List<Integer> whole = ids(new Random(random.nextInt(3)), longest);
    List<Integer> prompt =
        join(whole.subList(0, 1 + random.nextInt(longest)), ids(random, random.nextInt(2) * 5));
    switch (random.nextInt(5)) {
      case 0 -> rows.score(prompt, 2);
      case 1 -> rows.score(prompt, prompt.size() - random.nextInt(Math.min(9, prompt.size())), 2);
      case 2 -> rows.choose(prompt, labels(random));
      case 3 -> rows.generate(prompt, Rows.seeded(1 + random.nextInt(20), random.nextInt(5)));
      default -> rows.generate(prompt, Rows.greedy(1 + random.nextInt(30)));
    }
  }

  private static List<int[]> labels(Random random) {
    int[] stem = random.ints(20, 0, 200).toArray();
    return IntStream.range(0, 4)
        .mapToObj(
            i ->
                IntStream.concat(
                        IntStream.of(stem).limit(random.nextInt(20)),
                        IntStream.of(i, random.nextInt(3)))
                    .toArray())
        .toList();
  }

  private static List<Completion> answers(TestModel model, long seed, int rounds, int longest) {
    List<Completion> answers = new ArrayList<>();
    Random random = new Random(seed);
    for (int round = 0; round < rounds; round++) {
      Rows rows = new Rows();
      IntStream.range(0, 1 + random.nextInt(12)).forEach(i -> add(rows, random, longest));
      answers.addAll(model.answer(rows));
    }
    return answers;
  }

  @ParameterizedTest
  @CsvSource({
    "scout,vector,64,1",
    "chunked,vector,64,1",
    "maverick,vector,64,1",
    "w4a16,vector,40,1",
    "dense,vector,64,1",
    "chunked,auto,64,2"
  })
  void changesNoBit(String name, String kernels, int longest, int ranks) {
    BackendOptions one = new BackendOptions(kernels, ranks, true, ranks);
    BackendOptions two = new BackendOptions(kernels, 2 * ranks, true, ranks);
    Oracle oracle = Oracle.named(name);
    List<Completion> expected;
    try (TestModel model =
        new TestModel(oracle, one, new EngineOptions(1, 0, 0, false, SpeculationMode.OFF))) {
      expected = answers(model, 5, 5, longest);
      assertThat(expected).allMatch(answer -> answer.usage().cachedTokens() == 0);
    }
    for (EngineOptions options :
        List.of(
            new EngineOptions(64, 512, 0),
            new EngineOptions(1, 0, 0),
            new EngineOptions(5, 7, 0),
            new EngineOptions(64, 5, 256),
            new EngineOptions(64, 0, 160))) {
      try (TestModel model = new TestModel(oracle, two, options)) {
        List<Completion> answers = answers(model, 5, 5, longest);
        assertThat(Bits.of(answers)).as("%s", options).containsExactlyElementsOf(Bits.of(expected));
        assertThat(cached(answers)).as("%s", options).isPositive();
        if (model.stats().preemptions() == 0) {
          assertThat(model.stats().prefillTokens())
              .as("what is not cached is computed: %s", options)
              .isEqualTo(prompts(answers) - cached(answers));
        }
      }
    }
  }

  private static long cached(List<Completion> answers) {
    return answers.stream().mapToLong(answer -> answer.usage().cachedTokens()).sum();
  }

  private static long prompts(List<Completion> answers) {
    return answers.stream().mapToLong(answer -> answer.usage().promptTokens()).sum();
  }

  /// Many short rows over caches that hold a few of them.
  @ParameterizedTest
  @CsvSource({"chunked,64,3", "chunked,80,512", "scout,96,0", "chunked,112,1"})
  void tinyCachesForgetAndLoseNothing(String name, int kvTokens, int prefillChunk) {
    Oracle oracle = Oracle.named(name);
    List<String> expected;
    try (TestModel model =
        new TestModel(
            oracle, "auto", 2, new EngineOptions(256, 512, 0, false, SpeculationMode.OFF))) {
      expected = Bits.of(answers(model, kvTokens, 30, 24));
    }
    try (TestModel model =
        new TestModel(oracle, "auto", 2, new EngineOptions(16, prefillChunk, kvTokens))) {
      List<Completion> answers = answers(model, kvTokens, 30, 24);
      assertThat(Bits.of(answers)).containsExactlyElementsOf(expected);
      assertThat(cached(answers)).isPositive();
      assertThat(model.stats().kvTokensPeak()).isLessThanOrEqualTo(kvTokens);
    }
    assertThat(NativeArena.openBytes()).as("native memory after all is closed").isZero();
  }

  @Test
  void rowsThatComeTogetherComputeTheirInstructionOnce() {
    List<Integer> instruction = ids(new Random(1), 100);
    Rows rows = new Rows();
    for (int row = 0; row < 60; row++) {
      rows.generate(join(instruction, ids(new Random(1000 + row), 10)), Rows.greedy(3));
    }
    EngineStats without;
    List<Completion> expected;
    try (TestModel model =
        new TestModel(
            Oracle.named("chunked"),
            "auto",
            2,
            new EngineOptions(64, 32, 0, false, SpeculationMode.OFF))) {
      expected = model.answer(rows);
      without = model.stats();
      assertThat(without.prefillTokens()).isEqualTo(60 * 110);
    }
    try (TestModel model =
        new TestModel(Oracle.named("chunked"), "auto", 2, new EngineOptions(64, 32, 0))) {
      List<Completion> answers = model.answer(rows);
      assertThat(Bits.of(answers)).containsExactlyElementsOf(Bits.of(expected));
      // Blocks of 8 tokens: 96 of the 100 are in whole ones.
      assertThat(answers.stream().filter(answer -> answer.usage().cachedTokens() == 96))
          .as("all but the first")
          .hasSize(59);
      assertThat(model.stats().prefillTokens()).isEqualTo(96 + 60 * 14);
      assertThat(model.stats().kvTokensPeak()).isLessThan(without.kvTokensPeak() / 2);
      List<Completion> again = model.answer(rows);
      assertThat(again).allMatch(answer -> answer.usage().cachedTokens() >= 96);
      assertThat(Bits.of(again)).containsExactlyElementsOf(Bits.of(expected));
    }
  }

  @Test
  void whatWasSaidIsAPrefixOfWhatFollows() {
    List<Integer> prompt = ids(new Random(2), 20);
    try (TestModel model =
        new TestModel(Oracle.named("scout"), "auto", 2, new EngineOptions(8, 512, 0))) {
      Completion first = model.answer(new Rows().generate(prompt, Rows.greedy(40))).getFirst();
      List<Integer> all = join(prompt, Arrays.stream(first.ids()).boxed().toList());
      Completion next =
          model.answer(new Rows().generate(join(all, List.of(5)), Rows.greedy(2))).getFirst();
      // The last of the 60 tokens was sampled, not computed: three whole blocks of 16.
      assertThat(next.usage().cachedTokens()).isEqualTo(48);
    }
  }
}
