package io.sparkllama4.engine;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.BlockTables;
import io.sparkllama4.backend.StepTokens;
import io.sparkllama4.model.KvGroup;
import io.sparkllama4.model.StepInput;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Turns a plan into the flat integer tensors that kernels read, in the memory of every rank: the
/// one place where sequences become arrays.
final class StepTensors implements AutoCloseable {
  /// The position and the slot of a token of no sequence.
  private static final int NOWHERE = -1;

  /// Contexts are rounded up to a power of two from here on, so that steps are alike for long.
  private static final int LEAST_CONTEXT = 256;

  private final List<Backend> ranks;
  private final Map<KvGroup, Integer> blockTokens;

  private final Ints ids;
  private final Ints positions;
  private final Ints queryStarts;
  private final Ints outputRows;
  private final Ints wantedRows;
  private final Ints wantedIds;
  private final Ints wantedPositions;
  private final Ints wantedStarts;
  private final Tables global;
  private final Tables chunked;

  /// How often something here has moved to larger memory.
  private long moves;

  StepTensors(Backend backend, Map<KvGroup, Integer> blockTokens) {
    this.ranks = backend.ranks();
    this.blockTokens = blockTokens;
    this.ids = new Ints();
    this.positions = new Ints();
    this.queryStarts = new Ints();
    this.outputRows = new Ints();
    this.wantedRows = new Ints();
    this.wantedIds = new Ints();
    this.wantedPositions = new Ints();
    this.wantedStarts = new Ints();
    this.global = new Tables();
    this.chunked = new Tables();
  }

  /// Integers on the host and their copies in the memory of all ranks.
  private final class Ints {
    private final IntList values = new IntList(64);
    private final List<Copy> copies = ranks.stream().map(Copy::new).toList();

    Tensor upload(int rank) {
      return copies.get(rank).of(values);
    }

    void close() {
      copies.forEach(copy -> copy.memory.close());
    }
  }

  /// Integers in the memory of one rank, which grows by doubling.
  private final class Copy {
    private final Backend backend;
    private final Tensor nothing;
    private Allocator memory;
    private Tensor target;

    Copy(Backend backend) {
      this.backend = backend;
      this.memory = backend.allocator();
      this.nothing = memory.allocate(DType.I32, 0);
      this.target = nothing;
    }

    Tensor of(IntList values) {
      if (target.size(0) < values.size()) {
        // Before anything can fail: nobody writes to memory that is gone.
        target = nothing;
        moves++;
        memory.close();
        memory = backend.allocator();
        target =
            memory.allocate(DType.I32, Math.max(64, Integer.highestOneBit(values.size()) * 2L));
      }
      backend.write(values.array(), values.size(), target);
      return target.rows(values.size());
    }
  }

  /// The block tables of one cache group.
  private final class Tables {
    final Ints slots = new Ints();
    final Ints starts = new Ints();
    final Ints firstBlocks = new Ints();
    final Ints blocks = new Ints();

    void clear() {
      slots.values.clear();
      starts.values.clear();
      firstBlocks.values.clear();
      blocks.values.clear();
    }

    void add(StepPlan.Slice slice, IntList held, int first, int size) {
      starts.values.add(blocks.values.size());
      firstBlocks.values.add(first);
      for (int i = 0; i < held.size(); i++) {
        blocks.values.add(held.get(i));
      }
      for (int position = slice.start(); position < slice.start() + slice.count(); position++) {
        // A model without this group has no blocks; its kernels never look at the slots.
        int block = held.isEmpty() ? 0 : held.get(position / size - first);
        slots.values.add(block * size + position % size);
      }
    }

    BlockTables upload(int rank, int size) {
      return new BlockTables(
          size,
          slots.upload(rank),
          starts.upload(rank),
          firstBlocks.upload(rank),
          blocks.upload(rank));
    }

    void end(int padding) {
      starts.values.add(blocks.values.size());
      for (int i = 0; i < padding; i++) {
        starts.values.add(blocks.values.size());
        firstBlocks.values.add(0);
        slots.values.add(NOWHERE);
      }
    }

    void close() {
      List.of(slots, starts, firstBlocks, blocks).forEach(Ints::close);
    }
  }

  /// How often something has moved to larger memory.
  long moves() {
    return moves;
  }

  /// The tensors of `plan` by rank, valid until the next call.
  ///
  /// @param wanted rows of logits, in the order of their tokens in the step
  /// @param padding tokens of no sequence that the step is filled up with; each counts as a
  ///     sequence without tokens
  List<StepInput> input(StepPlan plan, List<StepRunner.Wanted> wanted, int padding) {
    ids.values.clear();
    positions.values.clear();
    queryStarts.values.clear();
    global.clear();
    chunked.clear();
    int globalSize = blockTokens.getOrDefault(KvGroup.GLOBAL, 1);
    int chunkedSize = blockTokens.getOrDefault(KvGroup.CHUNKED, 1);
    for (StepPlan.Slice slice : plan.slices()) {
      Sequence sequence = slice.sequence();
      queryStarts.values.add(ids.values.size());
      for (int position = slice.start(); position < slice.start() + slice.count(); position++) {
        ids.values.add(sequence.token(position));
        positions.values.add(position);
      }
      global.add(slice, sequence.globalBlocks, 0, globalSize);
      chunked.add(slice, sequence.chunkedBlocks, sequence.firstChunkedBlock, chunkedSize);
    }
    queryStarts.values.add(ids.values.size());
    for (int i = 0; i < padding; i++) {
      queryStarts.values.add(plan.tokens());
      ids.values.add(0);
      positions.values.add(NOWHERE);
    }
    global.end(padding);
    chunked.end(padding);
    boolean some = wanted.size() < plan.tokens();
    if (some) {
      list(plan, wanted);
    }
    List<StepInput> inputs = new ArrayList<>();
    for (int rank = 0; rank < ranks.size(); rank++) {
      inputs.add(
          new StepInput(
              new StepTokens(
                  ids.upload(rank),
                  positions.upload(rank),
                  queryStarts.upload(rank),
                  context(positions),
                  mostBetween(queryStarts)),
              global.upload(rank, globalSize),
              chunked.upload(rank, chunkedSize),
              some ? Optional.of(uploadWanted(rank)) : Optional.empty()));
    }
    return inputs;
  }

  private StepInput.Wanted uploadWanted(int rank) {
    return new StepInput.Wanted(
        wantedRows.upload(rank),
        new StepTokens(
            wantedIds.upload(rank),
            wantedPositions.upload(rank),
            wantedStarts.upload(rank),
            context(wantedPositions),
            mostBetween(wantedStarts)));
  }

  /// The longest context, rounded up.
  private static int context(Ints positions) {
    int longest = LEAST_CONTEXT;
    for (int i = 0; i < positions.values.size(); i++) {
      longest = Math.max(longest, positions.values.get(i) + 1);
    }
    return longest <= 1 << 30 ? Integer.highestOneBit(longest - 1) << 1 : longest;
  }

  private static int mostBetween(Ints starts) {
    int most = 0;
    for (int i = 1; i < starts.values.size(); i++) {
      most = Math.max(most, starts.values.get(i) - starts.values.get(i - 1));
    }
    return most;
  }

  private void list(StepPlan plan, List<StepRunner.Wanted> wanted) {
    for (Ints all : List.of(wantedRows, wantedIds, wantedPositions, wantedStarts)) {
      all.values.clear();
    }
    int next = 0;
    int end = 0;
    for (StepPlan.Slice slice : plan.slices()) {
      wantedStarts.values.add(next);
      end += slice.count();
      for (; next < wanted.size() && wanted.get(next).index() < end; next++) {
        StepRunner.Wanted row = wanted.get(next);
        wantedRows.values.add(row.index());
        wantedIds.values.add(slice.sequence().token(row.position()));
        wantedPositions.values.add(row.position());
      }
    }
    wantedStarts.values.add(next);
  }

  /// The tensors, by rank, of the tokens whose logits are wanted, valid until the next call.
  List<Tensor> rows(IntList indices) {
    outputRows.values.clear();
    for (int i = 0; i < indices.size(); i++) {
      outputRows.values.add(indices.get(i));
    }
    List<Tensor> rows = new ArrayList<>();
    for (int rank = 0; rank < ranks.size(); rank++) {
      rows.add(outputRows.upload(rank));
    }
    return rows;
  }

  @Override
  public void close() {
    List.of(ids, positions, queryStarts, outputRows).forEach(Ints::close);
    List.of(wantedRows, wantedIds, wantedPositions, wantedStarts).forEach(Ints::close);
    global.close();
    chunked.close();
  }
}
