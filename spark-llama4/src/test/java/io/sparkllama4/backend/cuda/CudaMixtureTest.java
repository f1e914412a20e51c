package io.sparkllama4.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.GatedMlp;
import io.sparkllama4.backend.MixtureLayer;
import io.sparkllama4.backend.Placement;
import io.sparkllama4.backend.Probe;
import io.sparkllama4.backend.Routing;
import io.sparkllama4.backend.Span;
import io.sparkllama4.backend.StepBuffers;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.backend.cpu.CpuBackend;
import io.sparkllama4.backend.cpu.RandomTensors;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Routing and experts on the emulated device against the plain loops: experts with no rows, one,
/// and all of them.
@Timeout(240)
class CudaMixtureTest {
  private static final int HIDDEN = 72;

  /// A mixture.
  ///
  /// @param tokens of the step
  /// @param experts of the router
  /// @param held those that are here
  /// @param chosen of a token
  /// @param width of an expert
  /// @param shared width of the shared expert, 0 for none
  /// @param favoured the expert that all tokens prefer, -1 for none
  record Shape(
      int tokens, int experts, Span held, int chosen, int width, int shared, int favoured) {}

  static Stream<Shape> shapes() {
    return Stream.of(
        new Shape(1, 4, Span.all(4), 1, 48, 48, -1),
        new Shape(1, 16, Span.all(16), 1, 48, 0, -1),
        new Shape(7, 4, Span.all(4), 1, 40, 40, 2),
        new Shape(33, 6, Span.all(6), 2, 48, 48, 0),
        new Shape(65, 3, Span.all(3), 3, 24, 16, -1),
        new Shape(300, 5, Span.all(5), 1, 48, 48, -1),
        new Shape(100, 128, Span.all(128), 1, 16, 16, -1),
        new Shape(40, 8, new Span(2, 5), 2, 48, 24, 7),
        new Shape(20, 8, new Span(6, 8), 1, 48, 48, 0));
  }

  private record Mixture(MixtureLayer layer, Tensor hidden) {}

  private static Mixture random(Shape shape, RandomTensors.Form form, NativeArena arena) {
    RandomTensors random = new RandomTensors(shape.hashCode(), arena);
    Tensor router = random.floats(shape.experts(), HIDDEN);
    Tensor hidden = random.floats(shape.tokens(), HIDDEN);
    if (shape.favoured() >= 0) {
      for (int i = 0; i < HIDDEN; i++) {
        for (int t = 0; t < shape.tokens(); t++) {
          hidden.set((long) t * HIDDEN + i, Math.abs(hidden.at((long) t * HIDDEN + i)));
        }
        router.set((long) shape.favoured() * HIDDEN + i, 3f);
      }
    }
    List<Linear> gateUp = new ArrayList<>();
    List<Linear> down = new ArrayList<>();
    for (int e = shape.held().first(); e < shape.held().end(); e++) {
      gateUp.add(small(random, form, 2 * shape.width(), HIDDEN));
      down.add(small(random, form, HIDDEN, shape.width()));
    }
    List<GatedMlp> shared =
        shape.shared() == 0
            ? List.of()
            : List.of(
                new GatedMlp(
                    small(random, form, 2 * shape.shared(), HIDDEN),
                    small(random, form, HIDDEN, shape.shared())));
    return new Mixture(
        new MixtureLayer(
            random.floats(HIDDEN),
            1e-5f,
            Linear.of(Matrix.of(router)),
            shape.chosen(),
            gateUp,
            down,
            shared,
            shape.held().first()),
        hidden);
  }

  private static Linear small(RandomTensors random, RandomTensors.Form form, int rows, int inputs) {
    return Linear.of(random.matrix(form, rows, inputs));
  }

  /// The layer where a backend reads it.
  private static MixtureLayer place(
      MixtureLayer layer, Backend backend, WeightForm form, Allocator memory) {
    Placement all = Placement.replicated();
    return new MixtureLayer(
        backend.place(layer.norm(), memory),
        layer.epsilon(),
        backend.place(layer.router(), all, 1, WeightForm.EXACT, memory),
        layer.chosen(),
        layer.expertGateUp().stream().map(w -> backend.place(w, all, 2, form, memory)).toList(),
        layer.expertDown().stream().map(w -> backend.place(w, all, 1, form, memory)).toList(),
        layer.shared().stream()
            .map(
                mlp ->
                    new GatedMlp(
                        backend.place(mlp.gateUp(), all, 2, form, memory),
                        backend.place(mlp.down(), all, 1, form, memory)))
            .toList(),
        layer.firstExpert());
  }

  private static StepBuffers buffers(Backend backend, Shape shape) {
    StepBuffers.Sizes sizes =
        new StepBuffers.Sizes(
            HIDDEN,
            8,
            8,
            Math.max(shape.shared(), shape.width()),
            shape.experts(),
            shape.chosen(),
            shape.width(),
            16,
            0);
    return new StepBuffers(backend, sizes, shape.tokens(), 1);
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void mixturesAreThoseOfThePlainLoops(Shape shape) {
    for (RandomTensors.Form stored :
        List.of(RandomTensors.Form.BF16, RandomTensors.Form.F32, RandomTensors.Form.FP8)) {
      check(shape, stored, EmulatedDriver.Schedule.IN_ORDER);
    }
    check(shape, RandomTensors.Form.BF16_INPUT_MAJOR, EmulatedDriver.Schedule.RANDOM);
    check(shape, RandomTensors.Form.INT4, EmulatedDriver.Schedule.WARP_GREEDY);
  }

  private static void check(
      Shape shape, RandomTensors.Form stored, EmulatedDriver.Schedule schedule) {
    try (TestDevice device = new TestDevice(schedule);
        NativeArena arena = new NativeArena();
        CpuBackend cpu = CpuBackend.scalar()) {
      Mixture mixture = random(shape, stored, arena);
      MixtureLayer placed =
          place(mixture.layer(), device.backend(), WeightForm.STORED, device.memory());
      Tensor hidden = device.floats(mixture.hidden());
      List<int[]> chosen = new ArrayList<>();
      try (StepBuffers buffers = buffers(device.backend(), shape)) {
        device.run(kernels -> kernels.mixture(hidden, placed, buffers, new Choices(chosen)));
      }
      Tensor expected = arena.allocate(DType.F32, shape.tokens(), HIDDEN);
      expected.data().copyFrom(mixture.hidden().data());
      MixtureLayer plain = place(mixture.layer(), cpu, WeightForm.STORED, arena);
      try (StepBuffers buffers = buffers(cpu, shape)) {
        cpu.step(_ -> cpu.kernels().mixture(expected, plain, buffers, new Choices(chosen)));
      }
      assertThat(chosen.getFirst()).as("%s: choices", shape).isEqualTo(chosen.getLast());
      Tensor found = device.read(hidden);
      assertClose(shape + " " + stored, found, expected);
    }
  }

  /// Equal but for what sums in another order differ by, beside the largest values.
  private static void assertClose(String what, Tensor found, Tensor expected) {
    double most = 0;
    for (long i = 0; i < expected.shape().elements(); i++) {
      most = Math.max(most, Math.abs(expected.at(i)));
    }
    assertThat(most).as(what).isPositive();
    for (long i = 0; i < expected.shape().elements(); i++) {
      assertThat((double) found.at(i))
          .as("%s, element %d", what, i)
          .isCloseTo(expected.at(i), within(1e-4 * most));
    }
  }

  private record Choices(List<int[]> seen) implements Probe {
    @Override
    public void see(String name, Tensor value) {
      // Values are compared behind the layer.
    }

    @Override
    public void see(String name, Routing routing) {
      seen.add(routing.experts());
    }
  }

  @ParameterizedTest
  @EnumSource(EmulatedDriver.Schedule.class)
  void singleKernelsOfMixturesAreThoseOfThePlainLoops(EmulatedDriver.Schedule schedule) {
    Shape shape = new Shape(50, 7, new Span(1, 6), 2, 40, 0, -1);
    try (TestDevice device = new TestDevice(schedule);
        NativeArena arena = new NativeArena();
        CpuBackend cpu = CpuBackend.scalar()) {
      Mixture mixture = random(shape, RandomTensors.Form.BF16, arena);
      RandomTensors random = new RandomTensors(4, arena);
      // Equal logits: the lower index comes first.
      Tensor logits = random.floats(50, 7);
      for (int t = 0; t < 50; t += 3) {
        logits.set(7L * t + 2, 5f);
        logits.set(7L * t + 4, 5f);
      }
      Tensor[] expected = single(cpu, mixture, shape, logits, arena, mixture.layer());
      MixtureLayer placed =
          place(mixture.layer(), device.backend(), WeightForm.STORED, device.memory());
      Tensor[] found =
          single(
              device.backend(),
              new Mixture(placed, device.floats(mixture.hidden())),
              shape,
              device.floats(logits),
              device.memory(),
              placed);
      for (int i = 0; i < expected.length; i++) {
        assertClose("tensor " + i, device.read(found[i]), expected[i]);
      }
    }
  }

  /// Gathered rows, gates, activated products and scattered rows.
  private static Tensor[] single(
      Backend backend,
      Mixture mixture,
      Shape shape,
      Tensor logits,
      Allocator memory,
      MixtureLayer layer) {
    int rows = shape.tokens() * shape.chosen();
    Tensor gathered = memory.allocate(DType.F32, rows, HIDDEN);
    Tensor gateUp = memory.allocate(DType.F32, rows, 2L * shape.width());
    Tensor activated = memory.allocate(DType.F32, rows, shape.width());
    Tensor scattered = memory.allocate(DType.F32, shape.tokens(), shape.width());
    Routing routing =
        backend.allocateRouting(shape.tokens(), shape.experts(), shape.chosen(), memory);
    backend.step(
        _ -> {
          var kernels = backend.kernels();
          kernels.route(logits, shape.chosen(), shape.held(), routing);
          kernels.gatherRows(mixture.hidden(), routing, gathered);
          kernels.groupedMatmul(gathered, routing, layer.expertGateUp(), gateUp);
          kernels.swiGlu(gateUp, activated);
          kernels.scatterAdd(activated, routing, scattered);
        });
    return new Tensor[] {gathered, gateUp, activated, scattered};
  }
}
