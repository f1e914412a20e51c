package io.sparkllama4.engine;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.Probe;
import io.sparkllama4.backend.SampleResult;
import io.sparkllama4.backend.SampleRow;
import io.sparkllama4.backend.StepShape;
import io.sparkllama4.model.Decoder;
import io.sparkllama4.model.KvGroup;
import io.sparkllama4.model.StepInput;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// Executes plans: brings sequences to the kernels of all ranks and samples back. Confined to the
/// engine's thread, or to one of the backend's that works while the engine's waits for it.
final class StepRunner implements AutoCloseable {
  /// Rows of logits made at once: enough to use every weight of the head well, little memory even
  /// for vocabularies of 200,000.
  static final int MOST_LOGIT_ROWS = 256;

  private final Backend backend;
  private final KvBlocks blocks;
  private final List<RankRunner> ranks = new ArrayList<>();
  private final StepTensors tensors;
  private final Probe probe;
  private final boolean isWatched;

  /// @param decoders by rank of the backend
  StepRunner(List<Decoder> decoders, Backend backend, KvBlocks blocks, Probe probe) {
    this.backend = backend;
    this.blocks = blocks;
    this.isWatched = !probe.equals(Probe.NONE);
    this.probe = isWatched ? probe.through(backend::readable) : probe;
    List<Backend> backends = backend.ranks();
    if (decoders.size() != backends.size()) {
      throw new IllegalArgumentException(
          decoders.size() + " parts of a model for " + backends.size() + " ranks");
    }
    for (int rank = 0; rank < decoders.size(); rank++) {
      ranks.add(
          new RankRunner(
              decoders.get(rank), backends.get(rank), blocks, rank == 0 ? this.probe : Probe.NONE));
    }
    this.tensors = new StepTensors(backend, blocks.blockTokens());
  }

  /// A row of logits that is wanted, and what of it.
  ///
  /// @param sequence whose
  /// @param position of the token behind which it stands, in its sequence
  /// @param index of that token in the step; ascending in a step, and without gaps in a sequence
  /// @param row what is asked of it
  record Wanted(Sequence sequence, int position, int index, SampleRow row) {}

  /// Computes the tokens of `plan`, and samples those of `wanted`; keys and values are in the cache
  /// afterwards.
  List<SampleResult> compute(StepPlan plan, List<Wanted> wanted) {
    List<SampleResult> results = new ArrayList<>(wanted.size());
    backend.together(
        () -> {
          ensureBuffers(plan.tokens(), wanted.size());
          run(plan, wanted);
          sample(wanted, results);
        });
    return results;
  }

  /// Computes those of `wanted` to the end.
  private void run(StepPlan plan, List<Wanted> wanted) {
    for (RankRunner rank : ranks) {
      rank.reserve(KvGroup.GLOBAL, blocks.blocksInUse(KvGroup.GLOBAL));
      rank.reserve(KvGroup.CHUNKED, blocks.blocksInUse(KvGroup.CHUNKED));
    }
    // Steps in which every sequence decodes one token come again and again.
    boolean isSingle =
        plan.slices().size() == plan.tokens() && wanted.size() == plan.tokens() && !isWatched;
    int tokens = isSingle ? backend.paddedSequences(plan.tokens()) : plan.tokens();
    ensureBuffers(tokens, 1);
    List<StepInput> inputs = tensors.input(plan, wanted, tokens - plan.tokens());
    if (isSingle) {
      long moves = tensors.moves() + ranks.stream().mapToLong(RankRunner::moves).sum();
      StepShape shape = new StepShape(tokens, inputs.getFirst().tokens().longest(), moves);
      backend.step(shape, rank -> ranks.get(rank).forward(inputs.get(rank)));
    } else {
      backend.step(rank -> ranks.get(rank).forward(inputs.get(rank)));
    }
  }

  /// Makes the wanted logits of the step that has just been run, and samples them.
  private void sample(List<Wanted> wanted, List<SampleResult> results) {
    int count = wanted.size();
    int most = Math.min(wanted.size(), MOST_LOGIT_ROWS);
    if (most > ranks.getFirst().logitRowCapacity()) {
      throw new IllegalStateException("Logit rows were not planned for");
    }
    for (int first = 0; first < wanted.size(); first += most) {
      List<Wanted> part = wanted.subList(first, Math.min(wanted.size(), first + most));
      IntList rows = new IntList(part.size());
      List<SampleRow> samples = new ArrayList<>(part.size());
      for (int i = 0; i < part.size(); i++) {
        rows.add(first + i);
        samples.add(part.get(i).row());
      }
      List<Tensor> indices = tensors.rows(rows);
      backend.step(
          rank -> {
            Tensor logits = ranks.get(rank).head(count, indices.get(rank));
            if (rank == 0) {
              probe.see("logits", logits);
              results.addAll(backend.kernels().sample(logits, samples));
            }
          });
    }
  }

  /// The memory of cache and scratch buffers that has been taken so far. Callable from any thread.
  long takenBytes() {
    return ranks.stream().mapToLong(RankRunner::takenBytes).sum();
  }

  /// Scratch memory for a step.
  private void ensureBuffers(int tokens, int logitRows) {
    int rows = Math.min(logitRows, MOST_LOGIT_ROWS);
    ranks.forEach(rank -> rank.ensureBuffers(tokens, rows));
  }

  @Override
  public void close() {
    ranks.forEach(RankRunner::close);
    tensors.close();
  }
}
