package io.sparkllama4.golden;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.backend.Probe;
import io.sparkllama4.backend.cpu.CpuBackend;
import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.EngineOptions;
import io.sparkllama4.engine.SamplingParams;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// Every sampling option, by what is drawn: 10,000 draws through the whole engine against a
/// distribution computed here from the model's own log-probabilities, and against the one without
/// the option, from which it must differ.
class SamplingTest {
  private static final int DRAWS = 10_000;
  private static final List<Integer> PROMPT = List.of(70, 71, 72, 70);

  private static TestModel model = open();
  private static double[] logits = {};

  /// A prompt whose most likely next token is likely once more behind it, and that token.
  private static List<Integer> echoPrompt = List.of();

  private static int echo;

  private static TestModel open() {
    return new TestModel(Oracle.named("scout"), "auto", 2, new EngineOptions(256, 512, 0));
  }

  @BeforeAll
  static void askTheModel() {
    logits = logits(PROMPT);
    double most = 0;
    for (int token = 0; token < 400; token++) {
      double[] behind = Options.PLAIN.distribution(logits(List.of(token)), List.of(), List.of());
      int likely = mostLikely(behind);
      double[] again =
          Options.PLAIN.distribution(logits(List.of(token, likely)), List.of(), List.of());
      double probability = behind[likely] * again[likely];
      if (probability > most) {
        most = probability;
        echoPrompt = List.of(token);
        echo = likely;
      }
    }
  }

  private static int mostLikely(double[] distribution) {
    return IntStream.range(0, distribution.length)
        .boxed()
        .max(Comparator.comparingDouble(t -> distribution[t]))
        .orElseThrow();
  }

  @AfterAll
  static void close() {
    model.close();
  }

  /// The model's logits behind `prompt`, from the plain kernels, without an engine.
  private static double[] logits(List<Integer> prompt) {
    float[][] all =
        Forward.logits(
            model.checkpoint().spec(),
            model.checkpoint().weights(),
            CpuBackend.scalar(),
            prompt,
            Probe.NONE);
    double[] last = new double[all[0].length];
    for (int t = 0; t < last.length; t++) {
      last[t] = all[all.length - 1][t];
    }
    return last;
  }

  /// Options that a test changes one of; stop ids are tokens like others.
  private record Options(
      double temperature,
      double topP,
      int topK,
      double minP,
      double presence,
      double frequency,
      double repetition) {
    static final Options PLAIN = new Options(1, 1, 0, 0, 0, 0, 1);

    SamplingParams params(int tokens, long seed) {
      return new SamplingParams(
          tokens,
          temperature,
          topP,
          topK,
          minP,
          presence,
          frequency,
          repetition,
          seed,
          List.of(),
          List.of(),
          true,
          SamplingParams.NO_LOGPROBS);
    }

    /// What these options make of the model's log-probabilities.
    double[] distribution(double[] logprobs, List<Integer> prompt, List<Integer> output) {
      double[] values = logprobs.clone();
      for (int t = 0; t < values.length; t++) {
        int token = t;
        long count = output.stream().filter(id -> id == token).count();
        if (count > 0 || prompt.contains(t)) {
          values[t] = values[t] > 0 ? values[t] / repetition : values[t] * repetition;
        }
        values[t] -= (count > 0 ? presence : 0) + frequency * count;
      }
      List<Integer> ranked =
          IntStream.range(0, values.length)
              .boxed()
              .sorted(Comparator.comparingDouble(t -> -values[t]))
              .toList();
      int kept = topK > 0 ? topK : values.length;
      double[] weights = new double[values.length];
      ranked.stream()
          .limit(kept)
          .forEach(
              t -> weights[t] = Math.exp((values[t] - values[ranked.getFirst()]) / temperature));
      double total = Arrays.stream(weights).sum();
      double mass = 0;
      for (int t : ranked) {
        if (mass >= topP * total || weights[t] < minP) {
          weights[t] = 0;
        }
        mass += weights[t];
      }
      double left = Arrays.stream(weights).sum();
      return Arrays.stream(weights).map(w -> w / left).toArray();
    }
  }

  /// Outputs of `tokens` tokens, one for each of the first 10,000 seeds.
  private static List<int[]> draw(List<Integer> prompt, Options options, int tokens) {
    Rows rows = new Rows();
    for (int seed = 0; seed < DRAWS; seed++) {
      rows.generate(prompt, options.params(tokens, seed));
    }
    return model.answer(rows).stream().map(Completion::ids).toList();
  }

  /// Pearson's statistic in standard deviations above its mean; bins of fewer than five expected
  /// draws are taken together, and a draw of what is impossible counts as infinitely far.
  private static double distance(List<Integer> drawn, double[] distribution) {
    double[] counts = new double[distribution.length];
    drawn.forEach(t -> counts[t]++);
    double statistic = 0;
    double restExpected = 0;
    double restCount = 0;
    int bins = 0;
    for (int t = 0; t < counts.length; t++) {
      double expected = distribution[t] * drawn.size();
      if (expected == 0 && counts[t] > 0) {
        return Double.POSITIVE_INFINITY;
      }
      if (expected < 5) {
        restExpected += expected;
        restCount += counts[t];
      } else {
        statistic += (counts[t] - expected) * (counts[t] - expected) / expected;
        bins++;
      }
    }
    if (restExpected > 0) {
      statistic += (restCount - restExpected) * (restCount - restExpected) / restExpected;
      bins++;
    }
    int freedom = Math.max(1, bins - 1);
    return (statistic - freedom) / Math.sqrt(2.0 * freedom);
  }

  private static void assertFirstTokens(Options options) {
    List<Integer> drawn = draw(PROMPT, options, 1).stream().map(ids -> ids[0]).toList();
    assertThat(drawn).hasSize(DRAWS);
    double[] expected = options.distribution(logits, PROMPT, List.of());
    double[] ignored = Options.PLAIN.distribution(logits, PROMPT, List.of());
    assertThat(distance(drawn, expected)).as("distance from what is right").isLessThan(5);
    if (!options.equals(Options.PLAIN)) {
      assertThat(distance(drawn, ignored)).as("distance from an ignored option").isGreaterThan(20);
    }
  }

  /// The second token of outputs that begin with the echo.
  private static void assertSecondTokens(Options options) {
    List<Integer> second =
        draw(echoPrompt, options, 2).stream()
            .filter(ids -> ids[0] == echo)
            .map(ids -> ids[1])
            .toList();
    assertThat(second.size()).isGreaterThan(100);
    List<Integer> prompt = new ArrayList<>(echoPrompt);
    prompt.add(echo);
    double[] behind = logits(prompt);
    double[] expected = options.distribution(behind, echoPrompt, List.of(echo));
    double[] ignored = Options.PLAIN.distribution(behind, echoPrompt, List.of(echo));
    assertThat(distance(second, expected)).as("distance from what is right").isLessThan(5);
    assertThat(distance(second, ignored)).as("distance from an ignored option").isGreaterThan(10);
  }

  @Test
  void plainDrawsFollowTheModel() {
    assertFirstTokens(Options.PLAIN);
  }

  @Test
  void temperature() {
    assertFirstTokens(new Options(0.5, 1, 0, 0, 0, 0, 1));
    assertFirstTokens(new Options(2, 1, 0, 0, 0, 0, 1));
  }

  @Test
  void topP() {
    assertFirstTokens(new Options(1, 0.6, 0, 0, 0, 0, 1));
  }

  @Test
  void topK() {
    assertFirstTokens(new Options(1, 1, 7, 0, 0, 0, 1));
  }

  @Test
  void minP() {
    assertFirstTokens(new Options(1, 1, 0, 0.2, 0, 0, 1));
  }

  @Test
  void truncationsTogether() {
    assertFirstTokens(new Options(0.9, 0.8, 30, 0.05, 0, 0, 1));
  }

  @Test
  void repetitionPenalty() {
    assertFirstTokens(new Options(1, 1, 0, 0, 0, 0, 0.2));
  }

  @Test
  void presencePenalty() {
    assertSecondTokens(new Options(1, 1, 0, 0, -2, 0, 1));
  }

  @Test
  void frequencyPenalty() {
    assertSecondTokens(new Options(1, 1, 0, 0, 0, -2, 1));
  }

  @Test
  void seedsDecideAndNothingElse() {
    Options options = new Options(1, 1, 0, 0, 0, 0, 1);
    List<int[]> once = draw(PROMPT, options, 3);
    List<int[]> again = draw(PROMPT, options, 3);
    for (int i = 0; i < DRAWS; i++) {
      assertThat(again.get(i)).isEqualTo(once.get(i));
    }
    long different = once.stream().map(Arrays::toString).distinct().count();
    assertThat(different).isGreaterThan(DRAWS / 2);
  }
}
