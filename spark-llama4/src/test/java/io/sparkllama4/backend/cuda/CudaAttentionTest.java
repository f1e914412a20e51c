package io.sparkllama4.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.BlockTables;
import io.sparkllama4.backend.KvLayer;
import io.sparkllama4.backend.StepTokens;
import io.sparkllama4.backend.Temperature;
import io.sparkllama4.backend.cpu.RandomTensors;
import io.sparkllama4.backend.cpu.ScalarKernels;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Attention on the emulated device against its definition.
@Timeout(240)
class CudaAttentionTest {
  /// Positions before a step's, and tokens of the step: some sequences have none of either.
  private static final int[][] SEQUENCES = {
    {0, 1}, {12, 0}, {259, 40}, {7, 2}, {299, 1}, {0, 40}, {15, 1}
  };

  /// What a step is filled up with.
  private static final int PADDING = 2;

  /// @param chunk tokens of an attention chunk, 0 for none
  private record Case(
      DType cache, int headDim, int group, int kvHeads, int blockTokens, int chunk) {
    AttentionSpec spec() {
      return new AttentionSpec(
          group * kvHeads, kvHeads, headDim, false, false, Temperature.NONE, chunk);
    }
  }

  private static final List<Case> CASES =
      List.of(
          new Case(DType.BF16, 8, 5, 2, 3, 16),
          new Case(DType.BF16, 16, 2, 2, 1, 0),
          new Case(DType.BF16, 64, 1, 2, 16, 270),
          new Case(DType.BF16, 128, 5, 1, 16, 8),
          new Case(DType.BF16, 128, 1, 1, 3, 0),
          new Case(DType.F8_E4M3, 8, 1, 3, 16, 0),
          new Case(DType.F8_E4M3, 64, 5, 1, 1, 100),
          new Case(DType.F8_E4M3, 128, 2, 1, 3, 0));

  static Stream<Object[]> schedulesAndTerms() {
    return Arrays.stream(EmulatedDriver.Schedule.values())
        .flatMap(schedule -> Stream.of(new Object[] {schedule, 1}, new Object[] {schedule, 2}));
  }

  /// Keys and values of all positions, and where they lie: blocks in any order, some of them
  /// nobody's.
  private static final class Pages {
    final int slots;
    final int[][] blocks = new int[SEQUENCES.length][];
    final int[] firstBlocks = new int[SEQUENCES.length];
    final Tensor keys;
    final Tensor values;
    final KvLayer cache;
    private final int blockTokens;

    /// Values are numbers that the cache has as they are.
    Pages(Case shape, NativeArena arena, Random random) {
      blockTokens = shape.blockTokens();
      List<Integer> free = new ArrayList<>();
      for (int s = 0; s < SEQUENCES.length; s++) {
        int end = SEQUENCES[s][0] + SEQUENCES[s][1];
        firstBlocks[s] = shape.spec().firstVisible(SEQUENCES[s][0]) / blockTokens;
        blocks[s] = new int[Math.ceilDiv(end, blockTokens) - firstBlocks[s]];
        for (int i = 0; i < blocks[s].length + 1; i++) {
          free.add(free.size());
        }
      }
      slots = free.size() * blockTokens;
      Collections.shuffle(free, random);
      int taken = 0;
      for (int[] ofSequence : blocks) {
        for (int i = 0; i < ofSequence.length; i++) {
          ofSequence[i] = free.get(taken++);
        }
      }
      keys = numbers(shape, arena, random);
      values = numbers(shape, arena, random);
      for (int block : free.subList(taken, free.size())) {
        // Whoever reads what is nobody's notices.
        fill(keys.rows((long) block * blockTokens, blockTokens), 384);
        fill(values.rows((long) block * blockTokens, blockTokens), -384);
      }
      cache = new KvLayer(slots);
      cache.append(keys, values);
    }

    private static void fill(Tensor tensor, float value) {
      for (long i = 0; i < tensor.shape().elements(); i++) {
        tensor.set(i, value);
      }
    }

    private Tensor numbers(Case shape, NativeArena arena, Random random) {
      Tensor tensor = arena.allocate(DType.F32, slots, shape.kvHeads(), shape.headDim());
      for (long i = 0; i < tensor.shape().elements(); i++) {
        float value =
            shape.cache() == DType.BF16
                ? Elements.bfloat16(Elements.toBfloat16((float) random.nextGaussian()))
                // Below 2 in magnitude.
                : Elements.float8((byte) (random.nextInt(2) << 7 | random.nextInt(0x40)));
        tensor.set(i, value);
      }
      return tensor;
    }

    /// The same on the device.
    KvLayer onDevice(TestDevice device, Case shape) {
      KvLayer layer = new KvLayer(slots);
      int kvHeads = shape.kvHeads();
      layer.append(
          device.memory().allocate(shape.cache(), slots, kvHeads, shape.headDim()),
          device.memory().allocate(shape.cache(), slots, kvHeads, shape.headDim()));
      int[] all = new int[slots];
      Arrays.setAll(all, i -> i);
      Tensor where = device.ints(all);
      long width = (long) kvHeads * shape.headDim();
      Tensor placedKeys = device.floats(keys.reshape(slots, width));
      Tensor placedValues = device.floats(values.reshape(slots, width));
      device.run(kernels -> kernels.storeKv(placedKeys, placedValues, where, layer));
      return layer;
    }
  }

  /// Some tokens of each sequence.
  ///
  /// @param rows where they stand among those of all sequences
  @SuppressWarnings("ArrayRecordComponent") // Plain data; nobody compares it.
  private record Piece(int[] rows, int[] positions, int[] queryStarts, int most) {
    /// Tokens `first` up to `first + count` of the sequences that have them.
    static Piece of(int first, int count) {
      List<Integer> rows = new ArrayList<>();
      List<Integer> positions = new ArrayList<>();
      int[] starts = new int[SEQUENCES.length + 1];
      int most = 0;
      int row = 0;
      for (int s = 0; s < SEQUENCES.length; s++) {
        int end = Math.min(first + count, SEQUENCES[s][1]);
        for (int t = first; t < end; t++) {
          rows.add(row + t);
          positions.add(SEQUENCES[s][0] + t);
        }
        most = Math.max(most, end - first);
        row += SEQUENCES[s][1];
        starts[s + 1] = rows.size();
      }
      return new Piece(array(rows), array(positions), starts, most);
    }

    private static int[] array(List<Integer> list) {
      return list.stream().mapToInt(i -> i).toArray();
    }

    int longest() {
      return Arrays.stream(positions).max().orElseThrow() + 1;
    }
  }

  /// Makes a tensor of integers.
  private interface Ints {
    Tensor of(int... values);
  }

  private static BlockTables tables(Pages pages, Ints ints) {
    int[] starts = new int[SEQUENCES.length + 1];
    for (int s = 0; s < SEQUENCES.length; s++) {
      starts[s + 1] = starts[s] + pages.blocks[s].length;
    }
    return new BlockTables(
        pages.blockTokens,
        ints.of(0),
        ints.of(starts),
        ints.of(pages.firstBlocks),
        ints.of(Arrays.stream(pages.blocks).flatMapToInt(Arrays::stream).toArray()));
  }

  /// What the device gives for a piece of the step, and zeros for what it is filled up with.
  private static Tensor attend(
      TestDevice device,
      NativeArena arena,
      Case shape,
      Piece piece,
      BlockTables tables,
      KvLayer cache,
      Tensor queries) {
    int count = piece.rows().length;
    long width = queries.rowElements();
    Tensor own = arena.allocate(DType.F32, count + PADDING, width);
    for (int i = 0; i < count; i++) {
      own.row(i).data().copyFrom(queries.row(piece.rows()[i]).data());
    }
    int[] positions = Arrays.copyOf(piece.positions(), count + PADDING);
    for (int i = 0; i < PADDING; i++) {
      positions[count + i] = -1;
      Pages.fill(own.rows(count + i, 1), Float.NaN);
    }
    Tensor where = device.ints(positions);
    StepTokens tokens =
        new StepTokens(
            where, where, device.ints(piece.queryStarts()), piece.longest(), piece.most());
    Tensor placed = device.floats(own);
    Tensor output = device.room(count + PADDING, width);
    device.run(kernels -> kernels.attend(placed, tokens, tables, cache, shape.spec(), output));
    Tensor found = device.read(output);
    for (long i = count * width; i < (count + PADDING) * width; i++) {
      assertThat(found.at(i)).as("padding").isZero();
    }
    return found;
  }

  @ParameterizedTest
  @MethodSource("schedulesAndTerms")
  void attentionIsThatOfTheDefinition(EmulatedDriver.Schedule schedule, int terms) {
    double tolerance = terms == 2 ? 1e-4 : 2e-2;
    try (TestDevice device = new TestDevice(schedule, terms == 2);
        NativeArena arena = new NativeArena()) {
      for (Case shape : CASES) {
        RandomTensors random = new RandomTensors(shape.hashCode(), arena);
        Pages pages = new Pages(shape, arena, new Random(shape.headDim()));
        Piece all = Piece.of(0, 40);
        Tensor queries = random.floats(all.rows().length, shape.spec().queryWidth());
        Tensor expected = arena.allocate(DType.F32, all.rows().length, shape.spec().queryWidth());
        Tensor where = random.ints(all.positions());
        StepTokens tokens =
            new StepTokens(where, where, random.ints(all.queryStarts()), all.longest(), all.most());
        new ScalarKernels()
            .attend(
                queries, tokens, tables(pages, random::ints), pages.cache, shape.spec(), expected);
        KvLayer cache = pages.onDevice(device, shape);
        BlockTables tables = tables(pages, device::ints);
        Tensor found = attend(device, arena, shape, all, tables, cache, queries);
        double worst = 0;
        for (long i = 0; i < expected.shape().elements(); i++) {
          worst = Math.max(worst, Math.abs((double) found.at(i) - expected.at(i)));
        }
        assertThat(worst).as("%s", shape).isCloseTo(0, within(tolerance));
        // With one term queries and probabilities are rounded, which shows.
        assertThat(worst > 1e-4).as("%s", shape).isEqualTo(terms == 1);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("schedulesAndTerms")
  void tokensHaveTheSameBitsHoweverManyShareAStep(EmulatedDriver.Schedule schedule, int terms) {
    try (TestDevice device = new TestDevice(schedule, terms == 2);
        NativeArena arena = new NativeArena()) {
      for (Case shape : CASES) {
        RandomTensors random = new RandomTensors(shape.hashCode(), arena);
        Pages pages = new Pages(shape, arena, new Random(shape.headDim()));
        KvLayer cache = pages.onDevice(device, shape);
        BlockTables tables = tables(pages, device::ints);
        Piece all = Piece.of(0, 40);
        Tensor queries = random.floats(all.rows().length, shape.spec().queryWidth());
        Tensor expected = attend(device, arena, shape, all, tables, cache, queries);
        for (int tokens : new int[] {1, 7}) {
          for (int first = 0; first < 40; first += tokens) {
            Piece piece = Piece.of(first, tokens);
            Tensor found = attend(device, arena, shape, piece, tables, cache, queries);
            for (int i = 0; i < piece.rows().length; i++) {
              assertThat(found.row(i).data().mismatch(expected.row(piece.rows()[i]).data()))
                  .as("%s, [%d] tokens at a time, token [%d]", shape, tokens, piece.rows()[i])
                  .isEqualTo(-1);
            }
          }
        }
      }
    }
  }
}
