package io.sparkllama4.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sparkllama4.backend.KvLayer;
import io.sparkllama4.backend.Temperature;
import io.sparkllama4.backend.cpu.RandomTensors;
import io.sparkllama4.backend.cpu.ScalarKernels;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The small kernels on the emulated device against the plain ones.
@Timeout(120)
class CudaKernelsTest {
  private static final int[] ROWS = {1, 2, 31, 33, 300};

  private final ScalarKernels plain = new ScalarKernels();

  private static void assertClose(Tensor found, Tensor expected, double tolerance) {
    assertThat(found.shape()).isEqualTo(expected.shape());
    for (long i = 0; i < expected.shape().elements(); i++) {
      double value = expected.at(i);
      assertThat((double) found.at(i))
          .as("element %d of %s", i, expected.shape())
          .isCloseTo(value, within(tolerance * Math.max(1, Math.abs(value))));
    }
  }

  private static Tensor copy(NativeArena arena, Tensor tensor) {
    Tensor copy = arena.allocate(tensor.dtype(), tensor.shape().sizes());
    copy.data().copyFrom(tensor.data());
    return copy;
  }

  @ParameterizedTest
  @EnumSource(EmulatedDriver.Schedule.class)
  void rowsAreEmbeddedNormedSelectedAndAdded(EmulatedDriver.Schedule schedule) {
    try (TestDevice device = new TestDevice(schedule);
        NativeArena arena = new NativeArena()) {
      for (int rows : ROWS) {
        RandomTensors random = new RandomTensors(rows, arena);
        int width = 5 + 67 * (rows % 5);
        for (DType dtype : new DType[] {DType.F32, DType.BF16, DType.F16}) {
          Tensor table = random.stored(dtype, 40, width);
          int[] ids = IntStream.range(0, rows).map(i -> i * 7 % 40).toArray();
          Tensor expected = arena.allocate(DType.F32, rows, width);
          plain.embed(random.ints(ids), table, expected);
          Tensor found = device.room(rows, width);
          Tensor placed = device.backend().placeTable(table, device.memory());
          device.run(kernels -> kernels.embed(device.ints(ids), placed, found));
          assertThat(device.read(found).data().mismatch(expected.data())).isEqualTo(-1);
        }
        Tensor input = random.floats(rows, width);
        Tensor weight = random.floats(width);
        Tensor expected = arena.allocate(DType.F32, rows, width);
        Tensor other = device.floats(input);
        Tensor found = device.room(rows, width);
        plain.rmsNorm(input, weight, 1e-5f, expected);
        device.run(kernels -> kernels.rmsNorm(other, device.floats(weight), 1e-5f, found));
        assertClose(device.read(found), expected, 1e-5);

        plain.add(input, expected);
        device.run(kernels -> kernels.add(other, found));
        assertClose(device.read(found), expected, 1e-5);

        int[] kept = IntStream.range(0, rows).filter(i -> i % 3 != 1).toArray();
        Tensor front = arena.allocate(DType.F32, kept.length, width);
        plain.selectRows(input, random.ints(kept), front);
        device.run(
            kernels -> kernels.selectRows(other, device.ints(kept), other.rows(kept.length)));
        assertThat(device.read(other.rows(kept.length)).data().mismatch(front.data()))
            .isEqualTo(-1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(EmulatedDriver.Schedule.class)
  void headsAreTurnedNormedAndScaled(EmulatedDriver.Schedule schedule) {
    try (TestDevice device = new TestDevice(schedule);
        NativeArena arena = new NativeArena()) {
      for (int dim : new int[] {2, 8, 16, 64, 128}) {
        RandomTensors random = new RandomTensors(dim, arena);
        int rows = 9;
        int[] positions = {0, 1, 7, 8, 100, 8191, 8192, 1_000_000, 10_485_759};
        Tensor rates = arena.allocate(DType.F32, dim / 2);
        for (int j = 0; j < dim / 2; j++) {
          rates.set(j, (float) Math.pow(500_000, -2.0 * j / dim));
        }
        Tensor heads = random.floats(rows, 3L * dim);
        Tensor found = device.floats(heads);
        Temperature temperature = new Temperature(8192, 0.1);
        Tensor expected = copy(arena, heads);
        plain.rope(expected, random.ints(positions), rates);
        Tensor where = device.ints(positions);
        device.run(kernels -> kernels.rope(found, where, device.floats(rates)));
        assertClose(device.read(found), expected, 3e-7);
        plain.normHeads(expected, dim, 1e-5f);
        device.run(kernels -> kernels.normHeads(found, dim, 1e-5f));
        assertClose(device.read(found), expected, 1e-5);
        plain.scaleQueries(expected, random.ints(positions), temperature);
        device.run(kernels -> kernels.scaleQueries(found, where, temperature));
        assertClose(device.read(found), expected, 1e-5);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(EmulatedDriver.Schedule.class)
  void keysAndValuesStandInTheirSlots(EmulatedDriver.Schedule schedule) {
    try (TestDevice device = new TestDevice(schedule);
        NativeArena arena = new NativeArena()) {
      RandomTensors random = new RandomTensors(3, arena);
      for (DType dtype : new DType[] {DType.BF16, DType.F8_E4M3}) {
        KvLayer cache = new KvLayer(20);
        Tensor keys = device.memory().allocate(dtype, 20, 2, 24);
        Tensor values = device.memory().allocate(dtype, 20, 2, 24);
        cache.append(keys, values);
        Tensor key = random.floats(4, 48);
        Tensor value = random.floats(4, 48);
        // The last but one is what a step was filled up with.
        int[] slots = {19, 0, -1, 7};
        Tensor placedKey = device.floats(key);
        Tensor placedValue = device.floats(value);
        device.run(kernels -> kernels.storeKv(placedKey, placedValue, device.ints(slots), cache));
        Tensor readKeys = device.read(keys);
        Tensor readValues = device.read(values);
        double step = dtype == DType.BF16 ? 0x1p-8 : 0x1p-4;
        for (int slot = 0; slot < 20; slot++) {
          int from = slot == 19 ? 0 : slot == 0 ? 1 : slot == 7 ? 3 : -1;
          for (int i = 0; i < 48; i++) {
            double k = from < 0 ? 0 : key.at(48L * from + i);
            double v = from < 0 ? 0 : value.at(48L * from + i);
            assertThat((double) readKeys.decode(48L * slot + i))
                .isCloseTo(k, within(step * Math.abs(k) + 0x1p-9));
            assertThat((double) readValues.decode(48L * slot + i))
                .isCloseTo(v, within(step * Math.abs(v) + 0x1p-9));
          }
        }
      }
    }
  }
}
