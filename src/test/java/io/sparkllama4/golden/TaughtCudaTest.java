package io.sparkllama4.golden;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.BackendOptions;
import io.sparkllama4.backend.Backends;
import io.sparkllama4.backend.Probe;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.weights.Checkpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every prompt of every oracle with its continuation on emulated devices, whatever its margins: it
/// is given the reference's tokens, and the routers' logits of the scalar kernels, which give the
/// reference's answers. What is left is what the rounding of keys and values costs, which scalar
/// kernels that round them show as well.
@Timeout(300)
class TaughtCudaTest {
  /// How much more it may differ from the reference than scalar kernels do which round keys and
  /// values to bf16.
  private static final double TIMES = 1.5;

  /// Largest difference of a log-probability from those kernels, over the same keys and values:
  /// inputs of products are two terms, 16 bits.
  private static final double SAME_KEYS = 1e-3;

  /// Largest difference of a key or value, relative to the largest of a layer: half of a bf16's
  /// last bit, and a little for what comes before the rounding. fp8 has four bits less.
  private static final double KEYS = 0x1.1p-8;

  @AfterEach
  void noEmulatedDriverForOtherTests() {
    EmulatedGpu.forget();
  }

  static List<Object[]> cases() {
    List<Object[]> cases = new ArrayList<>();
    int turn = 0;
    for (Oracle oracle : Oracle.all()) {
      for (int devices = 1; devices <= 2; devices++) {
        cases.add(new Object[] {oracle, turn++ % EmulatedGpu.SCHEDULES, devices, "bf16"});
      }
    }
    for (String name : List.of("scout", "chunked", "maverick")) {
      cases.add(new Object[] {Oracle.named(name), turn++ % EmulatedGpu.SCHEDULES, 1, "fp8"});
    }
    return cases;
  }

  @ParameterizedTest(name = "{0} schedule={1} devices={2} kv={3}")
  @MethodSource("cases")
  void errsAsMuchAsItsRounding(Oracle oracle, int schedule, int devices, String kv) {
    EmulatedGpu emulated = EmulatedGpu.fresh(devices, schedule);
    DType type = kv.equals("bf16") ? DType.BF16 : DType.F8_E4M3;
    BackendOptions options = new BackendOptions("auto", 1, true, devices).withKvDtype(kv);
    double allowed = 0;
    double found = 0;
    double apart = 0;
    double keys = 0;
    try (Checkpoint checkpoint = Checkpoint.open(oracle.directory());
        Backend scalar = Backends.open("cpu", new BackendOptions("scalar", 1, true));
        Backend cuda = Backends.open("cuda", options)) {
      for (Oracle.Prompt prompt : oracle.prompts()) {
        List<Integer> ids = new ArrayList<>(prompt.ids());
        ids.addAll(prompt.greedyIds());
        Lesson lesson = new Lesson();
        logits(checkpoint, scalar, ids, _ -> lesson.router());
        float[][] rounded = logits(checkpoint, scalar, ids, _ -> lesson.rounded(type));
        List<Backend> ranks = cuda.ranks();
        float[][] free = logits(checkpoint, cuda, ids, r -> lesson.given(ranks.get(r), false));
        allowed = larger(allowed, error(prompt, rounded));
        found = larger(found, error(prompt, free));
        if (devices == 1) {
          float[][] given = logits(checkpoint, cuda, ids, _ -> lesson.given(cuda, true));
          apart = larger(apart, distance(rounded, given));
          keys = larger(keys, lesson.worst());
        }
        assertThat(lesson.missing()).as("not given").isEmpty();
      }
    }
    assertThat(found).as("from the reference").isLessThan(TIMES * allowed);
    assertThat(apart).as("with the same keys and values").isLessThan(SAME_KEYS);
    assertThat(keys).as("of keys and values").isLessThan(kv.equals("bf16") ? KEYS : 16 * KEYS);
    assertThat(emulated.allocations()).as("left on the devices").isZero();
  }

  private static float[][] logits(
      Checkpoint checkpoint, Backend backend, List<Integer> ids, IntFunction<Probe> probes) {
    return Forward.logits(
        checkpoint.spec(), checkpoint.weights(), backend, ids, ids.size(), probes);
  }

  /// The largest difference of any log-probability of any token.
  private static double distance(float[][] one, float[][] other) {
    double worst = 0;
    for (int t = 0; t < one.length; t++) {
      double[] logprobs = Comparison.logprobs(one[t]);
      double[] others = Comparison.logprobs(other[t]);
      for (int v = 0; v < logprobs.length; v++) {
        worst = larger(worst, logprobs[v] - others[v]);
      }
    }
    return worst;
  }

  /// The largest difference of any log-probability that the reference gives.
  private static double error(Oracle.Prompt prompt, float[][] logits) {
    int own = prompt.ids().size();
    double worst = 0;
    for (int t = 0; t + 1 < own + prompt.greedyIds().size(); t++) {
      double[] logprobs = Comparison.logprobs(logits[t]);
      if (t + 1 < own) {
        worst =
            larger(worst, logprobs[prompt.ids().get(t + 1)] - prompt.inputLogprobs().get(t + 1));
      } else {
        int made = t + 1 - own;
        worst =
            larger(
                worst, logprobs[prompt.greedyIds().get(made)] - prompt.greedyLogprobs().get(made));
      }
    }
    for (int t = 0; t < own; t++) {
      double[] logprobs = Comparison.logprobs(logits[t]);
      for (int k = 0; k < prompt.topIds().get(t).size(); k++) {
        worst =
            larger(
                worst,
                logprobs[prompt.topIds().get(t).get(k)] - prompt.topLogprobs().get(t).get(k));
      }
    }
    return worst;
  }

  /// NaN stays.
  private static double larger(double worst, double difference) {
    return Double.isNaN(difference) ? Double.NaN : Math.max(worst, Math.abs(difference));
  }
}
