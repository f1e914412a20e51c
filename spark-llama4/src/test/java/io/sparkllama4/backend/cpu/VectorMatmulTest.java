package io.sparkllama4.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class VectorMatmulTest {
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

  @ParameterizedTest
  @EnumSource(RandomTensors.Form.class)
  void agreesWithThePlainLoops(RandomTensors.Form form) {
    try (NativeArena arena = new NativeArena();
        CpuPool pool = new CpuPool(2)) {
      VectorKernels vector = new VectorKernels(pool);
      for (int inputs : SIZES) {
        for (int outputs : SIZES) {
          RandomTensors random = new RandomTensors(inputs * 1000L + outputs, arena);
          Linear weight = random.linear(form, outputs, inputs);
          for (int tokens : TOKENS) {
            Tensor input = random.floats(tokens, inputs);
            float[][] expected = multiply(new ScalarKernels(), input, weight);
            float[][] found = multiply(vector, input, weight);
            for (int t = 0; t < tokens; t++) {
              for (int o = 0; o < found[t].length; o++) {
                double bound = TOLERANCE * magnitude(input, t, weight, o) + Float.MIN_NORMAL;
                assertThat((double) Math.abs(found[t][o] - expected[t][o]))
                    .as(
                        "%s [%d, %d], token %d of %d, output %d",
                        form, outputs, inputs, t, tokens, o)
                    .isLessThanOrEqualTo(bound);
              }
            }
          }
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(RandomTensors.Form.class)
  void noBitDependsOnOtherTokensOrThreads(RandomTensors.Form form) {
    try (NativeArena arena = new NativeArena();
        CpuPool one = new CpuPool(1);
        CpuPool three = new CpuPool(3)) {
      for (int inputs : new int[] {13, 64, 207, 1100}) {
        RandomTensors random = new RandomTensors(inputs, arena);
        Linear weight = random.linear(form, 150, inputs);
        Tensor input = random.floats(33, inputs);
        float[][] together = multiply(new VectorKernels(three), input, weight);
        for (int count : new int[] {1, 2, 3, 5, 12}) {
          for (int first = 0; first + count <= 33; first += 7) {
            float[][] part = multiply(new VectorKernels(one), input.rows(first, count), weight);
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

  @Test
  void groupsOfRowsMeetTheirOwnExperts() {
    try (NativeArena arena = new NativeArena();
        CpuPool pool = new CpuPool(2)) {
      RandomTensors random = new RandomTensors(3, arena);
      List<Linear> experts = new ArrayList<>();
      for (int e = 0; e < 5; e++) {
        experts.add(Linear.of(random.matrix(RandomTensors.Form.BF16_INPUT_MAJOR, 96, 64)));
      }
      int tokens = 19;
      CpuRouting routing = new CpuRouting(tokens, 5, 2);
      Tensor logits = random.floats(tokens, 5);
      ScalarKernels scalar = new ScalarKernels();
      scalar.route(logits, 2, routing);
      Tensor gathered = arena.allocate(DType.F32, 2L * tokens, 64);
      scalar.gatherRows(random.floats(tokens, 64), routing, gathered);
      Tensor expected = arena.allocate(DType.F32, 2L * tokens, 96);
      Tensor found = arena.allocate(DType.F32, 2L * tokens, 96);
      scalar.groupedMatmul(gathered, routing, experts, expected);
      new VectorKernels(pool).groupedMatmul(gathered, routing, experts, found);
      for (int i = 0; i < expected.shape().elements(); i++) {
        assertThat((double) Math.abs(found.at(i) - expected.at(i))).isLessThan(1e-4);
      }
      assertThat(expected.at(0)).isNotZero();
    }
  }
}
