package io.sparkllama4.golden;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.Probe;
import io.sparkllama4.backend.Routing;
import io.sparkllama4.model.DecoderSpec;
import io.sparkllama4.model.DecoderWeights;
import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import io.sparkllama4.weights.TensorFile;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;

/// A decoder against an oracle, one prompt in one step: every intermediate of the prompt that has
/// them, then the log-probabilities of all prompts. What differs is collected, so that one test can
/// ask for nothing and another for a certain difference.
final class Comparison {
  /// Largest difference of an intermediate, relative to the largest magnitude of what is expected,
  /// and largest difference of a log-probability.
  static final double TOLERANCE = 1e-4;

  /// Something that is not what the reference gives.
  ///
  /// @param name an intermediate, `layers.0.q`, or a prompt's answer, `len9.top_ids`
  /// @param tolerances the difference as a multiple of what is tolerated, infinite where another
  ///     choice was made, or nothing was there to compare
  record Difference(String name, double tolerances) {}

  private final List<Difference> differences = new ArrayList<>();

  private Comparison() {}

  /// All differences, in the order in which they show.
  static List<Difference> differences(
      Oracle oracle, DecoderSpec spec, DecoderWeights weights, Backend backend) {
    Comparison comparison = new Comparison();
    List<Oracle.Prompt> prompts = new ArrayList<>(oracle.prompts());
    prompts.sort(Comparator.comparing(prompt -> !prompt.probes()));
    assertThat(prompts.getFirst().probes()).as("%s has intermediates", oracle).isTrue();
    try (NativeArena arena = new NativeArena()) {
      Intermediates intermediates =
          comparison
          .new Intermediates(
              TensorFile.read(oracle.directory().resolve("expected.safetensors"), arena));
      for (Oracle.Prompt prompt : prompts) {
        Probe probe = prompt.probes() ? intermediates : Probe.NONE;
        float[][] logits = Forward.logits(spec, weights, backend, prompt.ids(), probe);
        if (prompt.probes()) {
          intermediates.missing.forEach(
              name -> comparison.differ(name, Double.POSITIVE_INFINITY, 1));
        }
        comparison.answer(prompt, logits);
      }
    }
    return comparison.differences;
  }

  private void differ(String name, double found, double allowed) {
    // Not "found > allowed": that is false of NaN.
    if (!(found <= allowed)) {
      differences.add(
          new Difference(name, Double.isNaN(found) ? Double.POSITIVE_INFINITY : found / allowed));
    }
  }

  private void answer(Oracle.Prompt prompt, float[][] logits) {
    double input = 0;
    double top = 0;
    boolean sameIds = true;
    for (int t = 0; t < logits.length; t++) {
      float[] row = logits[t];
      double norm = logSumExp(row);
      if (t + 1 < logits.length) {
        double logprob = row[prompt.ids().get(t + 1)] - norm;
        input = Math.max(input, Math.abs(logprob - prompt.inputLogprobs().get(t + 1)));
      }
      List<Integer> wanted = prompt.topIds().get(t);
      sameIds &= best(row, wanted.size()).equals(wanted);
      for (int k = 0; k < wanted.size(); k++) {
        double logprob = row[wanted.get(k)] - norm;
        top = Math.max(top, Math.abs(logprob - prompt.topLogprobs().get(t).get(k)));
      }
    }
    differ(prompt.name() + ".input_logprobs", input, TOLERANCE);
    differ(prompt.name() + ".top_logprobs", top, TOLERANCE);
    differ(prompt.name() + ".top_ids", sameIds ? 0 : Double.POSITIVE_INFINITY, 1);
  }

  /// Log-probabilities from logits.
  static double[] logprobs(float[] row) {
    double norm = logSumExp(row);
    return IntStream.range(0, row.length).mapToDouble(i -> row[i] - norm).toArray();
  }

  private static double logSumExp(float[] row) {
    double best = Double.NEGATIVE_INFINITY;
    for (float logit : row) {
      best = Math.max(best, logit);
    }
    double sum = 0;
    for (float logit : row) {
      sum += Math.exp(logit - best);
    }
    return best + Math.log(sum);
  }

  private static List<Integer> best(float[] row, int count) {
    return IntStream.range(0, row.length)
        .boxed()
        .sorted(Comparator.comparingDouble((Integer id) -> -row[id]).thenComparing(id -> id))
        .limit(count)
        .toList();
  }

  /// Compares the intermediates that it sees with those that are expected.
  private final class Intermediates implements Probe {
    private final Map<String, Tensor> expected;
    private final Set<String> missing;

    Intermediates(Map<String, Tensor> expected) {
      this.expected = expected;
      this.missing = new TreeSet<>(expected.keySet());
    }

    @Override
    public void see(String name, Tensor value) {
      float[] found = new float[(int) value.shape().elements()];
      for (int i = 0; i < found.length; i++) {
        found[i] = value.at(i);
      }
      compare(name, found);
    }

    @Override
    public void see(String name, Routing routing) {
      String layer = name.substring(0, name.lastIndexOf('.'));
      compare(layer + ".router_scores", routing.scores());
      Tensor experts = take(layer + ".experts");
      int[] found = routing.experts();
      assertThat(found).hasSize((int) experts.shape().elements());
      boolean same = IntStream.range(0, found.length).allMatch(i -> found[i] == id(experts, i));
      differ(layer + ".experts", same ? 0 : Double.POSITIVE_INFINITY, 1);
    }

    private static int id(Tensor ids, int i) {
      return switch (ids.dtype()) {
        case I64 -> (int) ids.data().get(Elements.LONG, 8L * i);
        case I32 -> ids.intAt(i);
        default -> (int) ids.decode(i);
      };
    }

    private Tensor take(String name) {
      assertThat(missing.remove(name)).as("intermediate [%s] is expected, once", name).isTrue();
      Tensor tensor = expected.get(name);
      if (tensor == null) {
        throw new AssertionError("No expectation of " + name);
      }
      return tensor;
    }

    private void compare(String name, float[] found) {
      Tensor wanted = take(name);
      assertThat((long) found.length).as(name).isEqualTo(wanted.shape().elements());
      double scale = 0;
      double worst = 0;
      for (int i = 0; i < found.length; i++) {
        scale = Math.max(scale, Math.abs(wanted.at(i)));
        worst = Math.max(worst, Math.abs(found[i] - wanted.at(i)));
      }
      differ(name, worst, TOLERANCE * scale);
    }
  }
}
