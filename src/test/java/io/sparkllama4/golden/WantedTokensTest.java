package io.sparkllama4.golden;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.BackendOptions;
import io.sparkllama4.backend.Backends;
import io.sparkllama4.backend.Probe;
import io.sparkllama4.backend.Routing;
import io.sparkllama4.tensor.Tensor;
import io.sparkllama4.weights.Checkpoint;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Tokens whose logits nobody wants end at the keys and values of the last layer, and change no bit
/// of the others.
class WantedTokensTest {
  private static final List<Integer> IDS =
      IntStream.range(0, 21).mapToObj(i -> 1 + 7 * i % 40).toList();

  /// Rows of intermediates, by name.
  private static final class RowCounts implements Probe {
    final Map<String, Integer> rows = new HashMap<>();

    @Override
    public void see(String name, Tensor value) {
      rows.put(name, value.rows());
    }

    @Override
    public void see(String name, Routing routing) {}
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("io.sparkllama4.golden.GoldenForwardTest#cases")
  void endAtTheKeysOfTheLastLayer(Oracle oracle, String kernels) {
    try (Checkpoint checkpoint = Checkpoint.open(oracle.directory());
        Backend backend = Backends.open("cpu", new BackendOptions(kernels, 2, true))) {
      float[][] all =
          Forward.logits(checkpoint.spec(), checkpoint.weights(), backend, IDS, Probe.NONE);
      int last = checkpoint.spec().layers().size() - 1;
      for (int wanted : new int[] {0, 1, 2, 5, 20}) {
        RowCounts seen = new RowCounts();
        float[][] some =
            Forward.logits(checkpoint.spec(), checkpoint.weights(), backend, IDS, wanted, seen);
        assertThat(some).isDeepEqualTo(Arrays.copyOfRange(all, IDS.size() - wanted, IDS.size()));
        assertThat(seen.rows).containsEntry("layers." + last + ".k", IDS.size());
        if (wanted == 0) {
          assertThat(seen.rows).doesNotContainKeys("layers." + last + ".output", "norm");
        } else {
          assertThat(seen.rows)
              .containsEntry("layers." + last + ".attn", wanted)
              .containsEntry("layers." + last + ".output", wanted)
              .containsEntry("norm", wanted);
        }
      }
    }
  }
}
