package io.sparkllama4.golden;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.backend.BackendOptions;
import io.sparkllama4.backend.Kernels;
import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.EngineOptions;
import io.sparkllama4.engine.TokenLogprob;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.RuntimeOptions;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.weights.Warning;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Several ranks that share a model in one engine: what they answer, what they do with a failure,
/// and what they leave behind.
@Timeout(120)
class RanksTest {
  private static final EngineOptions BATCHES = new EngineOptions(8, 7, 4096);

  @TempDir Path directory;

  @AfterEach
  void nothingIsLeft() {
    assertThat(NativeArena.openBytes()).isZero();
  }

  private static Rows prompts() {
    return new Rows()
        .generate(List.of(1, 2, 3, 4, 5, 6, 7, 8, 9), Rows.greedy(6))
        .score(List.of(9, 8, 7, 6, 5, 4), 3)
        .generate(List.of(11, 12), Rows.seeded(6, 4));
  }

  private static List<String> bits(List<Completion> answers) {
    return answers.stream().map(Bits::of).toList();
  }

  /// Kernels that fail once in `method`, when `failures` says so.
  private static Kernels failing(Kernels kernels, String method, AtomicInteger failures) {
    return (Kernels)
        Proxy.newProxyInstance(
            Kernels.class.getClassLoader(),
            new Class<?>[] {Kernels.class},
            (_, called, arguments) -> {
              if (called.getName().equals(method) && failures.getAndDecrement() > 0) {
                throw new ArithmeticException("planted in " + method);
              }
              try {
                return called.invoke(kernels, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  @ParameterizedTest
  @CsvSource({"0,mixture", "1,attentionInput", "1,mixture", "1,head"})
  void aFailureOnOneRankCostsTheRowsOfItsStepAndNoMore(int rank, String method) {
    AtomicInteger failures = new AtomicInteger(0);
    try (TestModel model =
        new TestModel(
            Oracle.named("scout"),
            new BackendOptions("auto", 2, true, 2),
            BATCHES,
            (of, made) -> of == rank ? failing(made, method, failures) : made)) {
      List<String> expected = bits(model.answer(prompts()));
      failures.set(1);
      assertThat(model.answer(prompts()))
          .anySatisfy(
              answer ->
                  assertThat(answer.error())
                      .hasValueSatisfying(
                          error -> {
                            assertThat(error.code()).isEqualTo(ErrorCode.ENGINE_FAILED);
                            assertThat(error.message()).contains("planted in " + method);
                          }));
      assertThat(bits(model.answer(prompts()))).as("afterwards").isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @CsvSource({"scout,2", "top2-gqa5,4", "w4a16,2"})
  void allMemoryIsGivenBack(String oracle, int ranks) {
    RuntimeOptions options = options("stored", ranks, Optional.empty());
    ModelHandle model = ModelHandle.open(Oracle.named(oracle).directory(), options);
    try {
      assertThat(answer(model)).allMatch(answer -> answer.error().isEmpty());
      assertThat(model.backend().ranks()).hasSize(ranks);
      assertThat(model.backend().allocatedBytes()).isPositive();
    } finally {
      model.close();
    }
    assertThat(model.backend().allocatedBytes()).isZero();
  }

  private static RuntimeOptions options(String weights, int ranks, Optional<Path> cache) {
    return new RuntimeOptions(
        "cpu", "auto", 2, weights, 32, cache, ranks, List.of(), "auto", true, BATCHES);
  }

  private static List<Completion> answer(ModelHandle model) {
    return TestModel.answers(model.engine(), prompts());
  }

  /// The log-probabilities of the scored row.
  private static List<TokenLogprob> scores(String oracle, RuntimeOptions options) {
    try (ModelHandle model = ModelHandle.open(Oracle.named(oracle).directory(), options)) {
      return answer(model).get(1).logprobs();
    }
  }

  /// The log-probabilities of a longer row.
  private static List<TokenLogprob> longScores(String oracle, RuntimeOptions options) {
    List<Integer> ids = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      ids.add(1 + 37 * i % 300);
    }
    try (ModelHandle model = ModelHandle.open(Oracle.named(oracle).directory(), options)) {
      return model.engine().submit(new Rows().score(ids, 0), "test").await(0).logprobs();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /// The mean difference of log-probabilities.
  private static double difference(List<TokenLogprob> some, List<TokenLogprob> exact) {
    assertThat(some).hasSize(60).hasSameSizeAs(exact);
    double sum = 0;
    for (int i = 1; i < exact.size(); i++) {
      sum += Math.abs(some.get(i).logprob() - exact.get(i).logprob());
    }
    return sum / (exact.size() - 1);
  }

  /// Groups of inputs begin elsewhere in a slice, and have other scales: what is lost is not the
  /// same, and not more. Most of these have no router, whose choices would turn small losses into
  /// large ones.
  @ParameterizedTest
  @CsvSource({
    "dense,int8,2",
    "dense,int8,4",
    "dense,int4,2",
    "dense,int4,4",
    "w4a16,int8,2",
    "scout,int8,2"
  })
  void quantisedWeightsLoseAsMuchAsOnOneRank(String oracle, String weights, int ranks) {
    List<TokenLogprob> exact = longScores(oracle, options("stored", 1, Optional.empty()));
    List<TokenLogprob> one = longScores(oracle, options(weights, 1, Optional.empty()));
    List<TokenLogprob> shared = longScores(oracle, options(weights, ranks, Optional.empty()));
    double lost = difference(one, exact);
    assertThat(lost).isPositive();
    assertThat(difference(shared, exact)).isBetween(lost / 3, 1.5 * lost);
  }

  @Test
  void ranksHaveFilesOfTheirOwnInTheCacheOfWeights() throws IOException {
    Path cache = directory.resolve("cache");
    List<TokenLogprob> packed = scores("scout", options("int8", 2, Optional.empty()));
    for (String start : List.of("the first start", "the second")) {
      RuntimeOptions options = options("int8", 2, Optional.of(cache));
      try (ModelHandle model = ModelHandle.open(Oracle.named("scout").directory(), options)) {
        assertThat(model.warnings()).extracting(Warning::code).as(start).isEmpty();
        assertThat(answer(model).get(1).logprobs()).as(start).isEqualTo(packed);
      }
      assertThat(files(cache)).as(start).isEqualTo(2);
    }
    scores("scout", options("int8", 1, Optional.of(cache)));
    assertThat(files(cache)).as("a model on one rank").isEqualTo(3);
    scores("scout", options("int8", 4, Optional.of(cache)));
    assertThat(files(cache)).as("a model on four").isEqualTo(7);
  }

  private static long files(Path cache) throws IOException {
    try (Stream<Path> files = Files.list(cache)) {
      return files.filter(file -> file.toString().endsWith(".safetensors")).count();
    }
  }
}
