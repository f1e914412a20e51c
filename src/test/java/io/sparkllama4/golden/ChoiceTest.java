package io.sparkllama4.golden;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.EngineOptions;
import io.sparkllama4.engine.EngineStats;
import io.sparkllama4.engine.PromptBatch;
import io.sparkllama4.engine.TokenLogprob;
import io.sparkllama4.error.ErrorCode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Continuations that share one computed prompt get, bit by bit, what each gets alone behind a
/// prompt of its own.
class ChoiceTest {
  private static final int ROWS = 9;

  /// Continuations of row `row`: of one token and of many, with shared beginnings, one the
  /// beginning of another, two of them equal.
  private static List<int[]> continuations(int row) {
    Random random = new Random(100 + row);
    List<int[]> all = new ArrayList<>();
    if (row % 3 == 0) {
      // Of one token each: nothing is computed behind the prompt.
      IntStream.range(0, 7).forEach(i -> all.add(new int[] {random.nextInt(200)}));
      return all;
    }
    int[] stem = random.ints(1 + row * 2, 0, 200).toArray();
    for (int i = 0; i < 6; i++) {
      int[] tail = random.ints(1 + random.nextInt(5), 0, 3).toArray();
      int shared = random.nextInt(stem.length + 1);
      all.add(IntStream.concat(IntStream.of(stem).limit(shared), IntStream.of(tail)).toArray());
    }
    all.add(stem);
    all.add(all.get(1).clone());
    all.add(new int[] {7});
    return all;
  }

  private static List<Integer> prompt(int row) {
    return new Random(row).ints(1 + row * 7 % 41, 0, 256).boxed().toList();
  }

  /// The bits of the log-probabilities, continuation by continuation.
  private static List<Integer> bits(List<TokenLogprob> logprobs) {
    return logprobs.stream().map(token -> Float.floatToRawIntBits(token.logprob())).toList();
  }

  private static List<List<Integer>> chosen(
      Oracle oracle, String kernels, EngineOptions options, List<Integer> order) {
    Rows rows = new Rows();
    for (int row : order) {
      rows.choose(prompt(row), continuations(row));
      // Batch mates that generate meanwhile.
      rows.generate(prompt(row), Rows.seeded(9, row));
    }
    try (TestModel model = new TestModel(oracle, kernels, 2, options)) {
      List<Completion> answers = model.answer(rows);
      List<List<Integer>> inOrder = new ArrayList<>(Collections.nCopies(order.size(), List.of()));
      for (int i = 0; i < order.size(); i++) {
        Completion answer = answers.get(2 * i);
        assertThat(answer.error()).isEmpty();
        assertThat(answer.usage().promptTokens())
            .isEqualTo(prompt(order.get(i)).size() + innerNodes(continuations(order.get(i))));
        assertThat(answer.usage().completionTokens()).isZero();
        inOrder.set(order.get(i), bits(answer.logprobs()));
      }
      last = model.stats();
      return inOrder;
    }
  }

  private static EngineStats last = EngineStats.NONE;

  /// Different beginnings that something follows: what has to be computed.
  private static int innerNodes(List<int[]> continuations) {
    Set<List<Integer>> beginnings = new HashSet<>();
    for (int[] tokens : continuations) {
      for (int length = 1; length < tokens.length; length++) {
        beginnings.add(IntStream.of(tokens).limit(length).boxed().toList());
      }
    }
    return beginnings.size();
  }

  private static List<List<Integer>> scored(Oracle oracle, String kernels) {
    Rows rows = new Rows();
    for (int row = 0; row < ROWS; row++) {
      for (int[] tokens : continuations(row)) {
        List<Integer> all = new ArrayList<>(prompt(row));
        IntStream.of(tokens).forEach(all::add);
        rows.score(all, prompt(row).size(), 0);
      }
    }
    try (TestModel model = new TestModel(oracle, kernels, 1, new EngineOptions(1, 0, 0))) {
      List<Completion> answers = model.answer(rows);
      List<List<Integer>> inOrder = new ArrayList<>();
      int at = 0;
      for (int row = 0; row < ROWS; row++) {
        List<TokenLogprob> logprobs = new ArrayList<>();
        for (int[] tokens : continuations(row)) {
          List<TokenLogprob> own = answers.get(at++).logprobs();
          assertThat(own)
              .extracting(TokenLogprob::id)
              .containsExactlyElementsOf(IntStream.of(tokens).boxed().toList());
          logprobs.addAll(own);
        }
        inOrder.add(bits(logprobs));
      }
      return inOrder;
    }
  }

  @ParameterizedTest
  @CsvSource({
    "scout,vector",
    "chunked,vector",
    "chunked,scalar",
    "maverick,vector",
    "dense,vector",
    "w4a16,vector"
  })
  void isWhatEachContinuationScoresAlone(String name, String kernels) {
    Oracle oracle = Oracle.named(name);
    List<List<Integer>> expected = scored(oracle, kernels);
    List<Integer> order = IntStream.range(0, ROWS).boxed().toList();
    for (int chunk : List.of(0, 1, 3, 7, 512)) {
      assertThat(chosen(oracle, kernels, new EngineOptions(64, chunk, 0), order))
          .as("prefill chunk %d", chunk)
          .isEqualTo(expected);
      assertThat(last.preemptions()).isZero();
    }
    List<Integer> shuffled = new ArrayList<>(order);
    Collections.shuffle(shuffled, new Random(3));
    assertThat(chosen(oracle, kernels, new EngineOptions(3, 5, 0), shuffled)).isEqualTo(expected);
    assertThat(chosen(oracle, kernels, new EngineOptions(1, 1, 0), shuffled)).isEqualTo(expected);
    for (int chunk : List.of(0, 1, 5)) {
      assertThat(chosen(oracle, kernels, new EngineOptions(16, chunk, 96), shuffled))
          .as("little memory, prefill chunk %d", chunk)
          .isEqualTo(expected);
      assertThat(last.preemptions()).as("prefill chunk %d", chunk).isPositive();
    }
  }

  /// The continuation with the highest score, the first on a tie.
  private static int best(List<int[]> continuations, List<TokenLogprob> logprobs, boolean mean) {
    int best = 0;
    double highest = Double.NEGATIVE_INFINITY;
    int at = 0;
    for (int i = 0; i < continuations.size(); i++) {
      int length = continuations.get(i).length;
      double score = 0;
      for (TokenLogprob token : logprobs.subList(at, at + length)) {
        score += token.logprob();
      }
      at += length;
      score = mean ? score / length : score;
      if (score > highest) {
        highest = score;
        best = i;
      }
    }
    return best;
  }

  /// What is left out changes neither which continuation is the best nor a bit of what is computed.
  @ParameterizedTest
  @CsvSource({
    "scout,BEST_TOTAL,512,0",
    "scout,BEST_PER_TOKEN,512,0",
    "scout,BEST_TOTAL,3,96",
    "chunked,BEST_TOTAL,3,0",
    "chunked,BEST_PER_TOKEN,1,0",
    "chunked,BEST_TOTAL,512,96"
  })
  void theBestIsThatOfAllScores(String name, PromptBatch.Scores scores, int chunk, int kvTokens) {
    Rows all = new Rows();
    Rows best = new Rows();
    for (int row = 0; row < ROWS; row++) {
      all.choose(prompt(row), continuations(row));
      best.choose(prompt(row), continuations(row), scores);
    }
    List<Completion> expected;
    List<Completion> found;
    try (TestModel model =
        new TestModel(Oracle.named(name), "auto", 2, new EngineOptions(16, chunk, kvTokens))) {
      expected = model.answer(all);
      found = model.answer(best);
    }
    int left = 0;
    for (int row = 0; row < ROWS; row++) {
      List<TokenLogprob> whole = expected.get(row).logprobs();
      List<TokenLogprob> part = found.get(row).logprobs();
      boolean mean = scores == PromptBatch.Scores.BEST_PER_TOKEN;
      assertThat(best(continuations(row), part, mean))
          .as("row %d", row)
          .isEqualTo(best(continuations(row), whole, mean));
      assertThat(part).hasSameSizeAs(whole);
      for (int i = 0; i < whole.size(); i++) {
        if (part.get(i).logprob() == Float.NEGATIVE_INFINITY) {
          left++;
        } else {
          assertThat(part.get(i)).isEqualTo(whole.get(i));
        }
      }
    }
    assertThat(left).as("tokens that were not computed").isPositive();
  }

  /// The prompt ends in one attention chunk, its continuations reach over two more.
  @ParameterizedTest
  @CsvSource({"0", "1", "3", "64"})
  void rollsBackOverTheEndsOfAttentionChunks(int prefillChunk) {
    Oracle oracle = Oracle.named("chunked");
    for (int length = 5; length <= 17; length++) {
      List<Integer> prompt = new Random(length).ints(length, 0, 200).boxed().toList();
      List<int[]> continuations = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        int[] tokens = new Random(50).ints(23, 0, 200).toArray();
        tokens[i * 9] += 1 + i;
        continuations.add(tokens);
      }
      Rows alone = new Rows();
      for (int[] tokens : continuations) {
        List<Integer> all = new ArrayList<>(prompt);
        IntStream.of(tokens).forEach(all::add);
        alone.score(all, length, 0);
      }
      try (TestModel model =
          new TestModel(oracle, "auto", 1, new EngineOptions(1, prefillChunk, 0))) {
        List<TokenLogprob> expected =
            model.answer(alone).stream().flatMap(answer -> answer.logprobs().stream()).toList();
        List<Completion> together = model.answer(new Rows().choose(prompt, continuations));
        assertThat(together.getFirst().error()).isEmpty();
        assertThat(bits(together.getFirst().logprobs())).isEqualTo(bits(expected));
      }
    }
  }

  @Test
  void theLongestContinuationMustFit() {
    Oracle oracle = Oracle.named("scout");
    List<int[]> continuations = List.of(new int[] {1}, new int[] {1, 2, 3, 4, 5});
    try (TestModel model = new TestModel(oracle, "auto", 2, new EngineOptions(8, 512, 0))) {
      int most = model.checkpoint().spec().maxPositions();
      List<Completion> answers =
          model.answer(
              new Rows()
                  .choose(Collections.nCopies(most - 5, 3), continuations)
                  .choose(Collections.nCopies(most - 4, 3), continuations)
                  .score(Collections.nCopies(most, 3), most - 1, 0)
                  .choose(List.of(1), List.of(new int[] {1}, new int[] {1 << 20})));
      assertThat(answers.get(0).error()).isEmpty();
      assertThat(answers.get(1).error().orElseThrow().code()).isEqualTo(ErrorCode.PROMPT_TOO_LONG);
      assertThat(answers.get(1).error().orElseThrow().message()).contains("" + (most - 5), "label");
      assertThat(answers.get(2).error()).isEmpty();
      assertThat(answers.get(3).error().orElseThrow().code()).isEqualTo(ErrorCode.INVALID_OPTION);
    }
  }
}
