package io.sparkllama4.golden;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.BackendOptions;
import io.sparkllama4.backend.Backends;
import io.sparkllama4.weights.Checkpoint;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every intermediate and log-probability that the oracles name, for every kernel path.
class GoldenForwardTest {
  static List<Object[]> cases() {
    return Oracle.all().stream()
        .flatMap(
            oracle ->
                TestModel.kernelPaths().stream().map(kernels -> new Object[] {oracle, kernels}))
        .toList();
  }

  static List<Object[]> rankedCases() {
    return cases().stream()
        .flatMap(some -> Stream.of(1, 2, 4).map(ranks -> new Object[] {some[0], some[1], ranks}))
        .toList();
  }

  @ParameterizedTest(name = "{0} {1} ranks={2}")
  @MethodSource("rankedCases")
  void everyIntermediateIsTheReferences(Oracle oracle, String kernels, int ranks) {
    try (Checkpoint checkpoint = Checkpoint.open(oracle.directory());
        Backend backend = Backends.open("cpu", new BackendOptions(kernels, 2, true, ranks))) {
      assertThat(Comparison.differences(oracle, checkpoint.spec(), checkpoint.weights(), backend))
          .isEmpty();
    }
  }
}
