package io.sparkllama4.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.backend.Placement;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.backend.cpu.CpuBackend;
import io.sparkllama4.backend.cpu.RandomTensors;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Quantization;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Weights on the emulated device, and products with them, against their definitions.
@Timeout(240)
class CudaMatmulTest {
  /// Outputs and inputs: strips, blocks and splits that are not full, and some that are.
  private static final int[][] SIZES = {
    {1, 1}, {16, 64}, {17, 72}, {50, 31}, {33, 264}, {130, 520}, {64, 1024}, {20, 2100}
  };

  private static final int[] ROWS = {1, 16, 17, 70};

  static Stream<Object[]> forms() {
    List<Object[]> cases = new ArrayList<>();
    for (RandomTensors.Form stored : RandomTensors.Form.values()) {
      cases.add(new Object[] {stored, WeightForm.STORED});
    }
    for (WeightForm form : List.of(WeightForm.BF16, WeightForm.INT8, WeightForm.INT4)) {
      cases.add(new Object[] {RandomTensors.Form.BF16, form});
      cases.add(new Object[] {RandomTensors.Form.BF16_INPUT_MAJOR, form});
    }
    cases.add(new Object[] {RandomTensors.Form.F32, WeightForm.INT4_GROUP_128});
    cases.add(new Object[] {RandomTensors.Form.FP8, WeightForm.BF16});
    cases.add(new Object[] {RandomTensors.Form.INT4, WeightForm.INT8});
    cases.add(new Object[] {RandomTensors.Form.F16, WeightForm.EXACT});
    return cases.stream();
  }

  /// A placed matrix with its data on the host.
  private static Matrix onHost(TestDevice device, Matrix placed) {
    Quantization quantization =
        switch (placed.quantization()) {
          case Quantization.None none -> none;
          case Quantization.Fp8PerRow(Tensor scales) ->
              new Quantization.Fp8PerRow(device.read(scales));
          case Quantization.Int8PerRow(Tensor scales) ->
              new Quantization.Int8PerRow(device.read(scales));
          case Quantization.Int4PerGroup(Tensor scales, int group, boolean quantizes) ->
              new Quantization.Int4PerGroup(device.read(scales), group, quantizes);
        };
    return new Matrix(
        placed.rows(),
        placed.columns(),
        placed.order(),
        device.read(placed.values()),
        quantization);
  }

  @ParameterizedTest
  @MethodSource("forms")
  void placedWeightsAreThoseOfTheProcessor(RandomTensors.Form stored, WeightForm form) {
    try (TestDevice device = new TestDevice(EmulatedDriver.Schedule.IN_ORDER);
        NativeArena arena = new NativeArena();
        CpuBackend cpu = CpuBackend.scalar()) {
      for (int[] size : SIZES) {
        RandomTensors random = new RandomTensors(31L * size[0] + size[1], arena);
        Linear source = Linear.of(random.matrix(stored, size[0], size[1]));
        WeightForm same = form == WeightForm.BF16 ? WeightForm.STORED : form;
        Matrix expected =
            cpu.place(source, Placement.replicated(), 1, same, arena).parts().getFirst().weight();
        Matrix found = onHost(device, device.linear(source, form).parts().getFirst().weight());
        for (int row = 0; row < size[0]; row++) {
          for (int i = 0; i < size[1]; i++) {
            float weight = expected.weight(row, i);
            // Floats lie as two brain floats; what is asked for in bf16 is rounded.
            double most =
                form == WeightForm.BF16
                    ? 0x1p-8
                    : found.values().dtype() == DType.F32 && form != WeightForm.EXACT ? 0x1p-16 : 0;
            double difference = (double) found.weight(row, i) - weight;
            if (!(Math.abs(difference) <= most * Math.abs(weight) + 1e-40)) {
              assertThat(difference)
                  .as("[%d, %d], row %d, input %d of %s", size[0], size[1], row, i, weight)
                  .isZero();
            }
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("forms")
  void productsAgreeWithTheDefinition(RandomTensors.Form stored, WeightForm form) {
    try (TestDevice device = new TestDevice(EmulatedDriver.Schedule.RANDOM);
        NativeArena arena = new NativeArena()) {
      for (int[] size : SIZES) {
        RandomTensors random = new RandomTensors(7L * size[0] + size[1], arena);
        Linear placed = device.linear(random.linear(stored, size[0], size[1]), form);
        Plain readable =
            Plain.of(
                new Linear(
                    placed.parts().stream()
                        .map(
                            part ->
                                new Linear.Part(
                                    onHost(device, part.weight()), device.read(part.bias())))
                        .toList()));
        for (int rows : ROWS) {
          Tensor input = random.floats(rows, size[1]);
          Tensor output = device.room(rows, placed.outputs());
          device.run(kernels -> kernels.matmul(device.floats(input), placed, output));
          readable.check(device.read(output), input, 2e-5);
        }
      }
    }
  }

  /// A layer's weights and biases as floats.
  private static final class Plain {
    private final float[][] weights;
    private final float[] biases;

    Plain(float[][] weights, float[] biases) {
      this.weights = weights;
      this.biases = biases;
    }

    static Plain of(Linear layer) {
      int outputs = Math.toIntExact(layer.outputs());
      int inputs = Math.toIntExact(layer.inputs());
      Plain plain = new Plain(new float[outputs][inputs], new float[outputs]);
      int column = 0;
      for (Linear.Part part : layer.parts()) {
        for (int row = 0; row < part.weight().rows(); row++, column++) {
          plain.biases[column] = part.hasBias() ? part.bias().at(row) : 0;
          for (int i = 0; i < inputs; i++) {
            plain.weights[column][i] = part.weight().weight(row, i);
          }
        }
      }
      return plain;
    }

    /// Every output within `tolerance` of the sum, relative to that of the magnitudes.
    void check(Tensor found, Tensor input, double tolerance) {
      for (int t = 0; t < found.rows(); t++) {
        for (int column = 0; column < biases.length; column++) {
          double sum = biases[column];
          double magnitude = Math.abs(sum);
          for (int i = 0; i < input.rowElements(); i++) {
            double product = (double) input.at(t * input.rowElements() + i) * weights[column][i];
            sum += product;
            magnitude += Math.abs(product);
          }
          double difference = found.at(t * found.rowElements() + column) - sum;
          if (!(Math.abs(difference) <= tolerance * magnitude + 1e-30)) {
            assertThat(difference)
                .as("row %d of %d, output %d, of %s", t, found.rows(), column, sum)
                .isZero();
          }
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(EmulatedDriver.Schedule.class)
  void rowsHaveTheSameBitsHoweverManyShareTheProduct(EmulatedDriver.Schedule schedule) {
    List<WeightForm> forms = List.of(WeightForm.STORED, WeightForm.INT8, WeightForm.INT4);
    try (TestDevice device = new TestDevice(schedule);
        NativeArena arena = new NativeArena()) {
      RandomTensors random = new RandomTensors(5, arena);
      Tensor all = random.floats(300, 1100);
      for (WeightForm form : forms) {
        Linear weight =
            device.linear(Linear.of(random.matrix(RandomTensors.Form.BF16, 37, 1100)), form);
        Tensor together = device.room(300, 37);
        device.run(kernels -> kernels.matmul(device.floats(all), weight, together));
        Tensor expected = device.read(together);
        for (int count : new int[] {1, 16, 63}) {
          Tensor some = device.room(count, 37);
          Tensor input = device.floats(all.rows(200, count));
          device.run(kernels -> kernels.matmul(input, weight, some));
          assertThat(device.read(some).data().mismatch(expected.rows(200, count).data()))
              .as("%s, %d rows", form, count)
              .isEqualTo(-1);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(EmulatedDriver.Schedule.class)
  void inputsOfOneTermAreBrainFloats(EmulatedDriver.Schedule schedule) {
    try (TestDevice device = new TestDevice(schedule, false);
        NativeArena arena = new NativeArena()) {
      RandomTensors random = new RandomTensors(9, arena);
      Tensor input = random.floats(20, 200);
      Linear stored = Linear.of(random.matrix(RandomTensors.Form.BF16, 40, 200));
      Linear placed = device.linear(stored, WeightForm.STORED);
      Tensor output = device.room(20, 40);
      device.run(kernels -> kernels.matmul(device.floats(input), placed, output));
      Tensor rounded = arena.allocate(DType.F32, 20, 200);
      for (long i = 0; i < 20 * 200; i++) {
        rounded.set(i, bf16(input.at(i)));
      }
      Plain.of(stored).check(device.read(output), rounded, 1e-5);
    }
  }

  private static float bf16(float value) {
    return io.sparkllama4.tensor.Elements.bfloat16(
        io.sparkllama4.tensor.Elements.toBfloat16(value));
  }
}
