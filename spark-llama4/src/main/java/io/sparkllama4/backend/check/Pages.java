package io.sparkllama4.backend.check;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.BlockTables;
import io.sparkllama4.backend.KvLayer;
import io.sparkllama4.backend.StepTokens;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/// Keys and values of some sequences in a paged cache: blocks in any order, some of them nobody's.
final class Pages {
  /// Positions before a step's, and tokens of the step: some sequences have none of either.
  static final int[][] SEQUENCES = {{0, 1}, {12, 0}, {259, 40}, {7, 2}, {299, 1}, {0, 40}, {15, 1}};

  private final AttentionSpec spec;
  private final DType dtype;
  private final int blockTokens;
  private final int[][] blocks = new int[SEQUENCES.length][];
  private final int[] firstBlocks = new int[SEQUENCES.length];
  private final int slots;
  private final Tensor keys;
  private final Tensor values;

  /// Values are numbers that a cache of `dtype` has as they are.
  Pages(AttentionSpec spec, DType dtype, int blockTokens, RandomValues values) {
    this.spec = spec;
    this.dtype = dtype;
    this.blockTokens = blockTokens;
    List<Integer> free = new ArrayList<>();
    for (int s = 0; s < SEQUENCES.length; s++) {
      int end = SEQUENCES[s][0] + SEQUENCES[s][1];
      firstBlocks[s] = spec.firstVisible(SEQUENCES[s][0]) / blockTokens;
      blocks[s] = new int[Math.ceilDiv(end, blockTokens) - firstBlocks[s]];
      for (int i = 0; i <= blocks[s].length; i++) {
        free.add(free.size());
      }
    }
    slots = free.size() * blockTokens;
    Collections.shuffle(free, values.random());
    int taken = 0;
    for (int[] ofSequence : blocks) {
      for (int i = 0; i < ofSequence.length; i++) {
        ofSequence[i] = free.get(taken++);
      }
    }
    keys = numbers(values);
    this.values = numbers(values);
    long blockElements = (long) blockTokens * spec.kvWidth();
    for (int block : free.subList(taken, free.size())) {
      for (long i = 0; i < blockElements; i++) {
        // Whoever reads what is nobody's notices.
        keys.set(block * blockElements + i, 384f);
        this.values.set(block * blockElements + i, -384f);
      }
    }
  }

  private Tensor numbers(RandomValues on) {
    Random random = on.random();
    Tensor tensor = on.arena().allocate(DType.F32, slots, spec.kvWidth());
    for (long i = 0; i < tensor.shape().elements(); i++) {
      float value =
          dtype == DType.BF16
              ? Elements.bfloat16(Elements.toBfloat16((float) random.nextGaussian()))
              // Below 2 in magnitude.
              : Elements.float8((byte) (random.nextInt(2) << 7 | random.nextInt(0x40)));
      tensor.set(i, value);
    }
    return tensor;
  }

  /// The cache where a backend reads it: in float32 for the plain loops.
  KvLayer cache(Subject subject) {
    DType type = subject.isPlain() ? DType.F32 : dtype;
    KvLayer layer = new KvLayer(slots);
    long[] sizes = {slots, spec.kvHeads(), spec.headDim()};
    layer.append(subject.memory().allocate(type, sizes), subject.memory().allocate(type, sizes));
    int[] all = new int[slots];
    Arrays.setAll(all, i -> i);
    Tensor where = subject.ints(all);
    Tensor placedKeys = subject.floats(keys);
    Tensor placedValues = subject.floats(values);
    subject.run(kernels -> kernels.storeKv(placedKeys, placedValues, where, layer));
    return layer;
  }

  BlockTables tables(Subject subject) {
    int[] starts = new int[SEQUENCES.length + 1];
    for (int s = 0; s < SEQUENCES.length; s++) {
      starts[s + 1] = starts[s] + blocks[s].length;
    }
    return new BlockTables(
        blockTokens,
        subject.ints(0),
        subject.ints(starts),
        subject.ints(firstBlocks),
        subject.ints(Arrays.stream(blocks).flatMapToInt(Arrays::stream).toArray()));
  }

  /// Some tokens of each sequence.
  ///
  /// @param rows where they stand among those of all sequences
  @SuppressWarnings("ArrayRecordComponent") // Plain data; nobody compares it.
  record Piece(int[] rows, int[] positions, int[] queryStarts, int most) {
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

    /// The tokens as kernels take them, and `padding` behind them that belong to nobody.
    StepTokens tokens(Subject subject, int padding) {
      int[] filled = Arrays.copyOf(positions, positions.length + padding);
      Arrays.fill(filled, positions.length, filled.length, -1);
      Tensor where = subject.ints(filled);
      int longest = Arrays.stream(positions).max().orElseThrow() + 1;
      return new StepTokens(where, where, subject.ints(queryStarts), longest, most);
    }
  }
}
