package io.sparkllama4.golden;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.BackendOptions;
import io.sparkllama4.backend.Backends;
import io.sparkllama4.backend.Probe;
import io.sparkllama4.backend.Routing;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import io.sparkllama4.weights.Checkpoint;
import io.sparkllama4.weights.TensorFile;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every intermediate that the oracles name, for every kernel path.
class GoldenForwardTest {
  /// Largest difference, relative to the largest magnitude of the expected tensor.
  private static final double TOLERANCE = 1e-4;

  static List<Object[]> cases() {
    return Oracle.all().stream()
        .flatMap(
            oracle ->
                List.of("scalar", "vector").stream().map(kernels -> new Object[] {oracle, kernels}))
        .toList();
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("cases")
  void everyIntermediateIsTheReferences(Oracle oracle, String kernels) {
    try (Checkpoint checkpoint = Checkpoint.open(oracle.directory());
        NativeArena arena = new NativeArena();
        Backend backend = Backends.open("cpu", new BackendOptions(kernels, 2, true))) {
      Map<String, Tensor> expected =
          TensorFile.read(oracle.directory().resolve("expected.safetensors"), arena);
      Oracle.Prompt prompt =
          oracle.prompts().stream().filter(Oracle.Prompt::probes).findFirst().orElseThrow();
      Comparison comparison = new Comparison(expected);
      Forward.logits(checkpoint.spec(), checkpoint.weights(), backend, prompt.ids(), comparison);
      assertThat(comparison.missing()).as("expected intermediates that were never seen").isEmpty();
    }
  }

  /// Compares what it sees with what is expected.
  private static final class Comparison implements Probe {
    private final Map<String, Tensor> expected;
    private final Set<String> missing;

    Comparison(Map<String, Tensor> expected) {
      this.expected = expected;
      this.missing = new TreeSet<>(expected.keySet());
    }

    Set<String> missing() {
      return missing;
    }

    @Override
    public void see(String name, Tensor value) {
      assertThat(missing.remove(name)).as("intermediate [%s] is expected, once", name).isTrue();
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
      Tensor experts = expectedOf(layer + ".experts");
      int[] found = routing.experts();
      assertThat(found).hasSize((int) experts.shape().elements());
      for (int i = 0; i < found.length; i++) {
        int chosen =
            switch (experts.dtype()) {
              case I64 -> (int) experts.data().get(io.sparkllama4.tensor.Elements.LONG, 8L * i);
              case I32 -> experts.intAt(i);
              default -> (int) experts.decode(i);
            };
        assertThat(found[i]).as("%s.experts[%d]", layer, i).isEqualTo(chosen);
      }
      missing.remove(layer + ".router_scores");
      missing.remove(layer + ".experts");
    }

    private Tensor expectedOf(String name) {
      Tensor tensor = expected.get(name);
      if (tensor == null) {
        throw new AssertionError("No expectation of " + name);
      }
      return tensor;
    }

    private void compare(String name, float[] found) {
      Tensor wanted = expectedOf(name);
      assertThat((long) found.length).as(name).isEqualTo(wanted.shape().elements());
      double scale = 0;
      double worst = 0;
      for (int i = 0; i < found.length; i++) {
        scale = Math.max(scale, Math.abs(wanted.at(i)));
        worst = Math.max(worst, Math.abs(found[i] - wanted.at(i)));
      }
      assertThat(worst).as(name).isLessThanOrEqualTo(TOLERANCE * scale);
    }
  }
}
