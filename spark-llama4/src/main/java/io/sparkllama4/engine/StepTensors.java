package io.sparkllama4.engine;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.BlockTables;
import io.sparkllama4.backend.StepTokens;
import io.sparkllama4.model.KvGroup;
import io.sparkllama4.model.StepInput;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Turns a plan into the flat integer tensors that kernels read: the one place where sequences
/// become arrays.
final class StepTensors implements AutoCloseable {
  private final Backend backend;
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

  StepTensors(Backend backend, Map<KvGroup, Integer> blockTokens) {
    this.backend = backend;
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

  /// Integers on the host and their copy in the backend's memory, which grows by doubling.
  private final class Ints {
    private final IntList values = new IntList(64);
    private Allocator memory = backend.allocator();
    private Tensor target = memory.allocate(DType.I32, 0);

    Tensor upload() {
      if (target.size(0) < values.size()) {
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

    BlockTables upload(int size) {
      starts.values.add(blocks.values.size());
      return new BlockTables(
          size, slots.upload(), starts.upload(), firstBlocks.upload(), blocks.upload());
    }
  }

  /// The tensors of `plan`, valid until the next call.
  ///
  /// @param wanted rows of logits, in the order of their tokens in the step
  StepInput input(StepPlan plan, List<StepRunner.Wanted> wanted) {
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
    return new StepInput(
        new StepTokens(ids.upload(), positions.upload(), queryStarts.upload()),
        global.upload(globalSize),
        chunked.upload(chunkedSize),
        wanted.size() == plan.tokens() ? Optional.empty() : Optional.of(wanted(plan, wanted)));
  }

  private StepInput.Wanted wanted(StepPlan plan, List<StepRunner.Wanted> wanted) {
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
    return new StepInput.Wanted(
        wantedRows.upload(),
        new StepTokens(wantedIds.upload(), wantedPositions.upload(), wantedStarts.upload()));
  }

  /// The tensor of the tokens whose logits are wanted, valid until the next call.
  Tensor rows(IntList indices) {
    outputRows.values.clear();
    for (int i = 0; i < indices.size(); i++) {
      outputRows.values.add(indices.get(i));
    }
    return outputRows.upload();
  }

  @Override
  public void close() {
    for (Ints ints : List.of(ids, positions, queryStarts, outputRows)) {
      ints.memory.close();
    }
    for (Ints ints : List.of(wantedRows, wantedIds, wantedPositions, wantedStarts)) {
      ints.memory.close();
    }
    for (Tables tables : new Tables[] {global, chunked}) {
      tables.slots.memory.close();
      tables.starts.memory.close();
      tables.firstBlocks.memory.close();
      tables.blocks.memory.close();
    }
  }
}
