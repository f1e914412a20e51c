package io.sparkllama4.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sparkllama4.backend.Placement;
import io.sparkllama4.backend.Span;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import io.sparkllama4.tensor.TensorSpec;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Parts of a layer, with their biases, make together what the layer makes.
class PlacementTest {
  private static final int TOKENS = 3;
  private static final int INPUTS = 96;
  private static final int OUTPUTS = 40;

  private static Tensor product(Linear layer, Tensor input, NativeArena arena) {
    Tensor output = arena.allocate(DType.F32, TOKENS, layer.outputs());
    new ScalarKernels().matmul(input, layer, output);
    return output;
  }

  /// Some columns of a tensor.
  private static Tensor columns(Tensor all, Span span, NativeArena arena) {
    Tensor some = arena.allocate(DType.F32, all.rows(), span.count());
    for (long row = 0; row < all.rows(); row++) {
      for (int i = 0; i < span.count(); i++) {
        some.set(row * span.count() + i, all.at(row * all.rowElements() + span.first() + i));
      }
    }
    return some;
  }

  private static Linear place(
      CpuBackend backend, Linear stored, Placement where, int parts, Allocator memory) {
    Linear placed = backend.place(stored, where, parts, WeightForm.STORED, memory);
    long planned =
        backend.plan(stored, where, parts, WeightForm.STORED).stream()
            .mapToLong(TensorSpec::bytes)
            .sum();
    long taken = placed.parts().stream().mapToLong(part -> part.weight().bytes()).sum();
    assertThat(taken).isEqualTo(planned);
    return placed;
  }

  @ParameterizedTest
  @EnumSource(RandomTensors.Form.class)
  void columnsAddUpAndTheBiasCountsOnce(RandomTensors.Form form) {
    try (NativeArena arena = new NativeArena();
        CpuBackend backend = CpuBackend.scalar();
        Allocator memory = backend.allocator()) {
      RandomTensors random = new RandomTensors(7, arena);
      Linear stored = random.linear(form, OUTPUTS, INPUTS);
      Tensor input = random.floats(TOKENS, INPUTS);
      Tensor expected = product(stored, input, arena);
      double[] sums = new double[(int) expected.shape().elements()];
      for (Span span : List.of(new Span(0, 32), new Span(32, 72), new Span(72, INPUTS))) {
        Linear part = place(backend, stored, new Placement.Columns(span), 2, memory);
        assertThat(part.parts().getFirst().hasBias()).isEqualTo(span.first() == 0);
        Tensor partial = product(part, columns(input, span, arena), arena);
        for (int i = 0; i < sums.length; i++) {
          sums[i] += partial.at(i);
        }
      }
      for (int i = 0; i < sums.length; i++) {
        double tolerance = 1e-4 * Math.max(1, Math.abs(sums[i]));
        assertThat(sums[i]).isCloseTo(expected.at(i), within(tolerance));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(RandomTensors.Form.class)
  void rowsStandSideBySideWithTheirBiases(RandomTensors.Form form) {
    try (NativeArena arena = new NativeArena();
        CpuBackend backend = CpuBackend.scalar();
        Allocator memory = backend.allocator()) {
      RandomTensors random = new RandomTensors(8, arena);
      Tensor bias = random.stored(DType.BF16, OUTPUTS);
      Linear stored =
          new Linear(List.of(new Linear.Part(random.matrix(form, OUTPUTS, INPUTS), bias)));
      Tensor input = random.floats(TOKENS, INPUTS);
      Tensor expected = product(stored, input, arena);
      for (Span span : List.of(new Span(0, 16), new Span(16, 23), new Span(23, OUTPUTS))) {
        Linear part = place(backend, stored, new Placement.Rows(span), 1, memory);
        Tensor found = product(part, input, arena);
        for (int t = 0; t < TOKENS; t++) {
          for (int i = 0; i < span.count(); i++) {
            assertThat(found.at((long) t * span.count() + i))
                .isEqualTo(expected.at((long) t * OUTPUTS + span.first() + i));
          }
        }
      }
    }
  }

  /// Gate and up that are stored as one matrix: a rank has the same rows of both.
  @ParameterizedTest
  @EnumSource(RandomTensors.Form.class)
  void halvesAreCutAlike(RandomTensors.Form form) {
    try (NativeArena arena = new NativeArena();
        CpuBackend backend = CpuBackend.scalar();
        Allocator memory = backend.allocator()) {
      Matrix source = new RandomTensors(9, arena).matrix(form, 2 * OUTPUTS, INPUTS);
      Placement where = new Placement.Rows(new Span(5, 21));
      Linear part = place(backend, Linear.of(source), where, 2, memory);
      assertThat(part.parts()).hasSize(2);
      for (int half = 0; half < 2; half++) {
        Matrix made = part.parts().get(half).weight();
        assertThat(made.rows()).isEqualTo(16);
        for (int row = 0; row < 16; row++) {
          for (int i = 0; i < INPUTS; i++) {
            assertThat(made.weight(row, i)).isEqualTo(source.weight(half * OUTPUTS + 5 + row, i));
          }
        }
      }
    }
  }
}
