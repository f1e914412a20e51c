package io.sparkllama4.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sparkllama4.backend.Span;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class MatmulTest {
  private static final int[] SIZES = {1, 7, 8, 13, 31, 64, 207};
  private static final int[] TOKENS = {1, 2, 3, 4, 5, 7, 13, 33};

  /// The largest difference that another order of a sum may make, relative to the sum of
  /// magnitudes.
  private static final double TOLERANCE = 1e-5;

  private static float[][] multiply(ScalarKernels kernels, Tensor input, Linear weight) {
    try (NativeArena arena = new NativeArena()) {
      Tensor output = arena.allocate(DType.F32, input.rows(), weight.outputs());
      kernels.matmul(input, weight, output);
      return copy(output);
    }
  }

  private static float[][] copy(Tensor tensor) {
    int width = (int) tensor.rowElements();
    float[][] rows = new float[tensor.rows()][width];
    for (int t = 0; t < rows.length; t++) {
      for (int i = 0; i < width; i++) {
        rows[t][i] = tensor.at((long) t * width + i);
      }
    }
    return rows;
  }

  /// The sum of |x w| of one output.
  private static double magnitude(Tensor input, int token, Linear weight, int output) {
    int row = output;
    for (Linear.Part part : weight.parts()) {
      if (row < part.weight().rows()) {
        double sum = part.hasBias() ? Math.abs(part.bias().decode(row)) : 0;
        for (int i = 0; i < part.weight().columns(); i++) {
          sum +=
              Math.abs(
                  (double) input.at((long) token * weight.inputs() + i)
                      * part.weight().weight(row, i));
        }
        return sum;
      }
      row -= (int) part.weight().rows();
    }
    throw new IllegalArgumentException();
  }

  /// Each stored form on each kernel path of this machine, kept as it is stored.
  static Stream<Arguments> storedForms() {
    return KernelPaths.all()
        .flatMap(
            path ->
                Arrays.stream(RandomTensors.Form.values()).map(form -> Arguments.of(path, form)));
  }

  /// The same with what becomes of it in memory.
  static Stream<Arguments> quantizedForms() {
    return KernelPaths.all()
        .flatMap(
            path ->
                Stream.of(WeightForm.INT8, WeightForm.INT4, WeightForm.INT4_GROUP_128)
                    .map(form -> Arguments.of(path, form)));
  }

  @ParameterizedTest
  @MethodSource("storedForms")
  void agreesWithThePlainLoops(KernelPaths path, RandomTensors.Form form) {
    try (NativeArena arena = new NativeArena();
        CpuPool pool = new CpuPool(2);
        FastKernels fast = path.kernels(pool)) {
      for (int inputs : SIZES) {
        for (int outputs : SIZES) {
          RandomTensors random = new RandomTensors(inputs * 1000L + outputs, arena);
          Linear stored = random.linear(form, outputs, inputs);
          Linear weight = packed(stored, WeightForm.STORED, pool, arena);
          for (int tokens : TOKENS) {
            Tensor input = random.floats(tokens, inputs);
            float[][] expected = multiply(new ScalarKernels(), input, stored);
            float[][] found = multiply(fast, input, weight);
            for (int t = 0; t < tokens; t++) {
              for (int o = 0; o < found[t].length; o++) {
                double bound = TOLERANCE * magnitude(input, t, stored, o) + Float.MIN_NORMAL;
                assertThat((double) Math.abs(found[t][o] - expected[t][o]))
                    .as("[%d, %d], token %d of %d, output %d", outputs, inputs, t, tokens, o)
                    .isLessThanOrEqualTo(bound);
              }
            }
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("quantizedForms")
  void integerSumsAreThoseOfThePlainLoopsToTheBit(KernelPaths path, WeightForm form) {
    try (NativeArena arena = new NativeArena();
        CpuPool pool = new CpuPool(2);
        FastKernels fast = path.kernels(pool)) {
      for (int inputs : new int[] {1, 13, 64, 207, 1100, 2500}) {
        RandomTensors random = new RandomTensors(inputs, arena);
        Linear stored = random.linear(RandomTensors.Form.BF16_INPUT_MAJOR, 70, inputs);
        Linear weight = packed(stored, form, pool, arena);
        for (int tokens : TOKENS) {
          Tensor input = random.floats(tokens, inputs);
          assertThat(multiply(fast, input, weight))
              .as("%d inputs, %d tokens", inputs, tokens)
              .isEqualTo(multiply(new ScalarKernels(), input, weight));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("quantizedForms")
  void theLargestIntegersDoNotOverflow(KernelPaths path, WeightForm form) {
    try (NativeArena arena = new NativeArena();
        CpuPool pool = new CpuPool(1);
        FastKernels fast = path.kernels(pool)) {
      for (float[] signs : new float[][] {{1, 1}, {1, -1}, {-1, 1}, {-1, -1}}) {
        Tensor all = arena.allocate(DType.F32, 20, 2048);
        Tensor input = arena.allocate(DType.F32, 7, 2048);
        for (long i = 0; i < all.shape().elements(); i++) {
          all.set(i, signs[0]);
        }
        for (long i = 0; i < input.shape().elements(); i++) {
          input.set(i, 3 * signs[1]);
        }
        Linear weight = packed(Linear.of(Matrix.of(all)), form, pool, arena);
        float[][] found = multiply(fast, input, weight);
        assertThat(found).isEqualTo(multiply(new ScalarKernels(), input, weight));
        assertThat(found[3][5]).isCloseTo(signs[0] * signs[1] * 3 * 2048, within(40f));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("quantizedForms")
  void aNanOrAnInfinityAmongTheInputsReachesEveryOutput(KernelPaths path, WeightForm form) {
    try (NativeArena arena = new NativeArena();
        CpuPool pool = new CpuPool(1);
        FastKernels fast = path.kernels(pool)) {
      RandomTensors random = new RandomTensors(5, arena);
      Linear weight = packed(random.linear(RandomTensors.Form.F32, 20, 70), form, pool, arena);
      Tensor input = random.floats(3, 70);
      input.set(5, Float.NaN);
      input.set(70 + 69, Float.POSITIVE_INFINITY);
      float[][] found = multiply(fast, input, weight);
      for (int o = 0; o < 41; o++) {
        assertThat(found[0][o]).isNaN();
        assertThat(found[1][o]).isNaN();
        assertThat(found[2][o]).isFinite();
      }
    }
  }

  /// Rows of inputs, and rows of weights, so small that the inverse of their scale overflows.
  @ParameterizedTest
  @MethodSource("quantizedForms")
  void theSmallestNumbersCountAsZero(KernelPaths path, WeightForm form) {
    try (NativeArena arena = new NativeArena();
        CpuPool pool = new CpuPool(1);
        FastKernels fast = path.kernels(pool)) {
      Tensor stored = new RandomTensors(6, arena).floats(20, 70);
      Tensor input = new RandomTensors(7, arena).floats(3, 70);
      for (int i = 0; i < 70; i++) {
        stored.set(i, 1e-38f);
        input.set(i, 1e-38f);
      }
      Linear weight = packed(Linear.of(Matrix.of(stored)), form, pool, arena);
      float[][] found = multiply(fast, input, weight);
      assertThat(found).isEqualTo(multiply(new ScalarKernels(), input, weight));
      assertThat(found[0]).containsOnly(0f);
      assertThat(found[1][0]).isCloseTo(0, within(1e-30f));
      assertThat(found[1][1]).isNotZero();
    }
  }

  @ParameterizedTest
  @MethodSource("quantizedForms")
  void aWeightThatIsNoNumberIsNotLost(KernelPaths path, WeightForm form) {
    try (NativeArena arena = new NativeArena();
        CpuPool pool = new CpuPool(1);
        FastKernels fast = path.kernels(pool)) {
      Tensor stored = new RandomTensors(6, arena).floats(20, 70);
      stored.set(3 * 70 + 40, Float.NaN);
      Tensor input = new RandomTensors(7, arena).floats(2, 70);
      float[][] found =
          multiply(fast, input, packed(Linear.of(Matrix.of(stored)), form, pool, arena));
      assertThat(found[0][3]).isNaN();
      assertThat(found[1][3]).isNaN();
      assertThat(found[0][2]).isFinite();
    }
  }

  /// Elsewhere tests take the paths that a build has; here all must be there.
  @Test
  @Tag("full")
  void noPathIsLeftOutInSilence() {
    assertThat(KernelPaths.all())
        .as("kernel paths; a C compiler builds them")
        .contains(KernelPaths.VECTOR, KernelPaths.NARROW);
    // One run of the full form turns this machine's own native kernels off.
    boolean turnedOff = "none".equals(System.getProperty("sparkllama4.instructions"));
    assertThat(KernelPaths.all().anyMatch(KernelPaths.NATIVE::equals)).isEqualTo(!turnedOff);
    if (System.getProperty("os.arch").equals("amd64")) {
      assertThat(KernelPaths.all())
          .as("kernel paths for other processors, emulated")
          .contains(KernelPaths.AVX2_VNNI, KernelPaths.AVX512, KernelPaths.AVX512_VNNI);
    }
  }

  @ParameterizedTest
  @MethodSource("storedForms")
  void noBitDependsOnOtherTokensOrThreads(KernelPaths path, RandomTensors.Form form) {
    noBitDepends(path, form, WeightForm.STORED);
  }

  @ParameterizedTest
  @MethodSource("quantizedForms")
  void noBitOfQuantizedProductsDependsOnOtherTokensOrThreads(KernelPaths path, WeightForm form) {
    noBitDepends(path, RandomTensors.Form.BF16, form);
  }

  private static void noBitDepends(KernelPaths path, RandomTensors.Form stored, WeightForm form) {
    try (NativeArena arena = new NativeArena();
        CpuPool one = new CpuPool(1);
        CpuPool three = new CpuPool(3);
        FastKernels alone = path.kernels(one);
        FastKernels threads = path.kernels(three)) {
      for (int inputs : new int[] {13, 64, 207, 1100}) {
        RandomTensors random = new RandomTensors(inputs, arena);
        Linear weight = packed(random.linear(stored, 150, inputs), form, one, arena);
        Tensor input = random.floats(33, inputs);
        float[][] together = multiply(threads, input, weight);
        for (int count : new int[] {1, 2, 3, 5, 12}) {
          for (int first = 0; first + count <= 33; first += 7) {
            float[][] part = multiply(alone, input.rows(first, count), weight);
            for (int t = 0; t < count; t++) {
              assertThat(part[t])
                  .as("token %d among %d", first + t, count)
                  .isEqualTo(together[first + t]);
            }
          }
        }
      }
    }
  }

  /// Products of float inputs have the same bits on every path: what one machine answered, another
  /// repeats.
  @ParameterizedTest
  @EnumSource(RandomTensors.Form.class)
  void allPathsGiveTheSameBits(RandomTensors.Form form) {
    try (NativeArena arena = new NativeArena();
        CpuPool pool = new CpuPool(2)) {
      RandomTensors random = new RandomTensors(9, arena);
      Linear weight = packed(random.linear(form, 90, 700), WeightForm.STORED, pool, arena);
      Tensor input = random.floats(14, 700);
      List<float[][]> found = new ArrayList<>();
      KernelPaths.all()
          .forEach(
              path -> {
                try (FastKernels fast = path.kernels(pool)) {
                  found.add(multiply(fast, input, weight));
                }
              });
      assertThat(found).allSatisfy(other -> assertThat(other).isEqualTo(found.getFirst()));
    }
  }

  private static Linear packed(Linear stored, WeightForm form, CpuPool pool, NativeArena arena) {
    PanelPacker packer = new PanelPacker(pool, arena);
    return new Linear(
        stored.parts().stream()
            .map(
                part ->
                    new Linear.Part(
                        packer.pack(part.weight(), 0, part.weight().rows(), form), part.bias()))
            .toList());
  }

  @Test
  void panelsHoldTheWeightsThatAreStored() {
    try (NativeArena arena = new NativeArena();
        CpuPool pool = new CpuPool(2)) {
      for (RandomTensors.Form form : RandomTensors.Form.values()) {
        Matrix stored = new RandomTensors(1, arena).matrix(form, 37, 61);
        Matrix packed = new PanelPacker(pool, arena).pack(stored, 3, 37, WeightForm.STORED);
        for (int row = 3; row < 37; row++) {
          for (int i = 0; i < 61; i++) {
            assertThat(packed.weight(row - 3, i)).as("%s", form).isEqualTo(stored.weight(row, i));
          }
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"INT8, 0.01", "INT4, 0.1", "INT4_GROUP_128, 0.13", "BF16, 0.003"})
  void quantizedWeightsAreNearTheStored(WeightForm form, double tolerance) {
    try (NativeArena arena = new NativeArena();
        CpuPool pool = new CpuPool(2)) {
      Matrix stored = new RandomTensors(1, arena).matrix(RandomTensors.Form.F32, 40, 100);
      Matrix packed = new PanelPacker(pool, arena).pack(stored, 0, 40, form);
      double error = 0;
      double norm = 0;
      for (int row = 0; row < 40; row++) {
        for (int i = 0; i < 100; i++) {
          error += Math.pow(packed.weight(row, i) - stored.weight(row, i), 2);
          norm += Math.pow(stored.weight(row, i), 2);
        }
      }
      assertThat(Math.sqrt(error / norm)).isGreaterThan(0).isLessThan(tolerance);
    }
  }

  @Test
  void groupsOfRowsMeetTheirOwnExperts() {
    try (NativeArena arena = new NativeArena();
        CpuPool pool = new CpuPool(2);
        FastKernels fast = KernelPaths.VECTOR.kernels(pool)) {
      RandomTensors random = new RandomTensors(3, arena);
      List<Linear> experts = new ArrayList<>();
      List<Linear> panels = new ArrayList<>();
      for (int e = 0; e < 5; e++) {
        experts.add(Linear.of(random.matrix(RandomTensors.Form.BF16_INPUT_MAJOR, 96, 64)));
        panels.add(packed(experts.getLast(), WeightForm.STORED, pool, arena));
      }
      int tokens = 19;
      CpuRouting routing = new CpuRouting(tokens, 5, 2);
      Tensor logits = random.floats(tokens, 5);
      ScalarKernels scalar = new ScalarKernels();
      scalar.route(logits, 2, Span.all(5), routing);
      Tensor gathered = arena.allocate(DType.F32, 2L * tokens, 64);
      scalar.gatherRows(random.floats(tokens, 64), routing, gathered);
      Tensor expected = arena.allocate(DType.F32, 2L * tokens, 96);
      Tensor found = arena.allocate(DType.F32, 2L * tokens, 96);
      scalar.groupedMatmul(gathered, routing, experts, expected);
      fast.groupedMatmul(gathered, routing, panels, found);
      for (int i = 0; i < expected.shape().elements(); i++) {
        assertThat((double) Math.abs(found.at(i) - expected.at(i))).isLessThan(1e-4);
      }
      assertThat(expected.at(0)).isNotZero();
    }
  }
}
