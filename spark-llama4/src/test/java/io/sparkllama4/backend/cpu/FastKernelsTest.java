package io.sparkllama4.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.BlockTables;
import io.sparkllama4.backend.KvLayer;
import io.sparkllama4.backend.StepTokens;
import io.sparkllama4.backend.Temperature;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.Stream;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FastKernelsTest {
  @Test
  void expIsNearTheRealOneFromTheLeastToTheMost() {
    float[] values = new float[Lanes.COUNT];
    double worst = 0;
    for (float x = -87.2f; x < 88.7f; x += 0.0137f) {
      FloatVector.broadcast(Lanes.FLOATS, x)
          .lanewise(jdk.incubator.vector.VectorOperators.ADD, 0f)
          .intoArray(values, 0);
      VectorMath.exp(FloatVector.fromArray(Lanes.FLOATS, values, 0)).intoArray(values, 0);
      double expected = Math.exp(x);
      worst = Math.max(worst, Math.abs(values[0] - expected) / expected);
    }
    assertThat(worst).isLessThan(2.5e-7);
  }

  @Test
  void expOfExtremesIsZeroOrLarge() {
    float[] values = new float[Lanes.COUNT];
    for (float x : new float[] {-88f, -1e30f, Float.NEGATIVE_INFINITY}) {
      VectorMath.exp(FloatVector.broadcast(Lanes.FLOATS, x)).intoArray(values, 0);
      assertThat(values[0]).as("exp(%s)", x).isZero();
    }
    VectorMath.exp(FloatVector.broadcast(Lanes.FLOATS, 1e30f)).intoArray(values, 0);
    assertThat(values[0]).isGreaterThan(1e38f);
    VectorMath.exp(FloatVector.zero(Lanes.FLOATS)).intoArray(values, 0);
    assertThat(values[0]).isEqualTo(1f);
  }

  @Test
  void lanesAreSummedHalvesFirst() {
    float[] values = new float[Lanes.COUNT];
    for (int i = 0; i < values.length; i++) {
      values[i] = 1 << i % 20;
    }
    float[] expected = values.clone();
    for (int half = values.length / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; i++) {
        expected[i] += expected[i + half];
      }
    }
    assertThat(Lanes.sum(FloatVector.fromArray(Lanes.FLOATS, values, 0))).isEqualTo(expected[0]);
  }

  static Stream<Arguments> widths() {
    return KernelPaths.all()
        .flatMap(
            path -> Stream.of(1, 7, 8, 13, 31, 64, 207).map(width -> Arguments.of(path, width)));
  }

  @ParameterizedTest
  @MethodSource("widths")
  void normsAndActivationsAgreeWithThePlainLoops(KernelPaths path, int width) {
    try (NativeArena arena = new NativeArena();
        CpuPool pool = new CpuPool(2);
        FastKernels fast = path.kernels(pool)) {
      RandomTensors random = new RandomTensors(width, arena);
      Tensor input = random.floats(5, 2L * width);
      Tensor weight = random.stored(DType.BF16, 2L * width);
      Tensor wide = arena.allocate(DType.F32, 2L * width);
      for (long i = 0; i < 2L * width; i++) {
        wide.set(i, weight.decode(i));
      }
      ScalarKernels scalar = new ScalarKernels();
      Tensor expected = arena.allocate(DType.F32, 5, 2L * width);
      Tensor found = arena.allocate(DType.F32, 5, 2L * width);
      scalar.rmsNorm(input, weight, 1e-5f, expected);
      fast.rmsNorm(input, wide, 1e-5f, found);
      assertClose(found, expected, 1e-5);
      Tensor expectedActivation = arena.allocate(DType.F32, 5, width);
      Tensor foundActivation = arena.allocate(DType.F32, 5, width);
      scalar.swiGlu(input, expectedActivation);
      fast.swiGlu(input, foundActivation);
      assertClose(foundActivation, expectedActivation, 1e-5);
    }
  }

  @ParameterizedTest
  @MethodSource("io.sparkllama4.backend.cpu.KernelPaths#all")
  void headsAreNormedAndRotatedAsTheScalarKernelsDo(KernelPaths path) {
    try (NativeArena arena = new NativeArena();
        CpuPool pool = new CpuPool(2);
        FastKernels fast = path.kernels(pool)) {
      ScalarKernels scalar = new ScalarKernels();
      // Angles are kept from layer to layer of a step: other positions and rates take their place.
      for (int[] shape : new int[][] {{3, 2, 8}, {40, 5, 64}, {40, 5, 64}, {2, 1, 20}}) {
        RandomTensors random = new RandomTensors(shape[0], arena);
        Tensor expected = random.floats(shape[0], (long) shape[1] * shape[2]);
        Tensor found = arena.allocate(DType.F32, shape[0], (long) shape[1] * shape[2]);
        found.data().copyFrom(expected.data());
        scalar.normHeads(expected, shape[2], 1e-5f);
        fast.normHeads(found, shape[2], 1e-5f);
        assertClose(found, expected, 1e-5);
        Tensor rates = random.floats(shape[2] / 2);
        for (int start = 0; start < 3; start++) {
          Tensor positions = arena.allocate(DType.I32, shape[0]);
          for (int t = 0; t < shape[0]; t++) {
            positions.data().set(Elements.INT, 4L * t, 7 * start + t);
          }
          found.data().copyFrom(expected.data());
          scalar.rope(expected, positions, rates);
          fast.rope(found, positions, rates);
          assertThat(found.data().mismatch(expected.data())).isEqualTo(-1);
        }
      }
    }
  }

  static Stream<Arguments> heads() {
    int[][] shapes = {
      {4, 2, 16, 0},
      {10, 2, 8, 5},
      {3, 1, 12, 4},
      {5, 5, 64, 0},
      {6, 3, 6, 7},
      {8, 2, 32, 7},
      {40, 2, 128, 0},
      {2, 1, 256, 3}
    };
    return KernelPaths.all()
        .flatMap(
            path -> Arrays.stream(shapes).map(s -> Arguments.of(path, s[0], s[1], s[2], s[3])));
  }

  @ParameterizedTest
  @MethodSource("heads")
  void attentionAgreesWithThePlainLoops(
      KernelPaths path, int heads, int kvHeads, int headDim, int chunk) {
    try (NativeArena arena = new NativeArena();
        CpuPool pool = new CpuPool(2);
        FastKernels fast = path.kernels(pool)) {
      AttentionSpec spec =
          new AttentionSpec(heads, kvHeads, headDim, true, true, Temperature.NONE, chunk);
      RandomTensors random = new RandomTensors(headDim, arena);
      // Two sequences: positions 0 to 10 at once, and position 20 alone; blocks of 4 out of order.
      int[] positions = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20};
      int[] blocks = {2, 0, 1, 8, 7, 3, 4, 5, 6};
      int[] slots = new int[12];
      for (int t = 0; t < 11; t++) {
        slots[t] = blocks[t / 4] * 4 + t % 4;
      }
      slots[11] = blocks[3 + 5] * 4;
      StepTokens tokens =
          new StepTokens(random.ints(positions), random.ints(positions), random.ints(0, 11, 12), 21, 11);
      BlockTables tables =
          new BlockTables(
              4, random.ints(slots), random.ints(0, 3, 9), random.ints(0, 0), random.ints(blocks));
      KvLayer cache = new KvLayer(36);
      cache.append(random.floats(36, kvHeads, headDim), random.floats(36, kvHeads, headDim));
      Tensor queries = random.floats(12, (long) heads * headDim);
      Tensor expected = arena.allocate(DType.F32, 12, (long) heads * headDim);
      Tensor found = arena.allocate(DType.F32, 12, (long) heads * headDim);
      new ScalarKernels().attend(queries, tokens, tables, cache, spec, expected);
      fast.attend(queries, tokens, tables, cache, spec, found);
      assertClose(found, expected, 1e-5);
    }
  }

  private static void assertClose(Tensor found, Tensor expected, double tolerance) {
    for (long i = 0; i < expected.shape().elements(); i++) {
      double scale = Math.max(1, Math.abs(expected.at(i)));
      assertThat((double) found.at(i))
          .as("element %d", i)
          .isCloseTo(expected.at(i), within(tolerance * scale));
    }
  }
}
