package io.sparkllama4.engine;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.Probe;
import io.sparkllama4.backend.SampleResult;
import io.sparkllama4.backend.SampleRow;
import io.sparkllama4.model.Decoder;
import io.sparkllama4.model.KvGroup;
import io.sparkllama4.model.StepInput;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// Executes plans: brings sequences to the kernels of all ranks and samples back. Confined to the
/// engine's thread.
final class StepRunner implements AutoCloseable {
  /// Rows of logits made at once: enough to use every weight of the head well, little memory even
  /// for vocabularies of 200,000.
  static final int MOST_LOGIT_ROWS = 256;

  private final Backend backend;
  private final KvBlocks blocks;
  private final List<RankRunner> ranks = new ArrayList<>();
  private final StepTensors tensors;
  private final Probe probe;

  /// @param decoders by rank of the backend
  StepRunner(List<Decoder> decoders, Backend backend, KvBlocks blocks, Probe probe) {
    this.backend = backend;
    this.blocks = blocks;
    this.probe = probe == Probe.NONE ? probe : probe.through(backend::readable);
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

  /// Computes the tokens of `plan`, those of `wanted` to the end; keys and values are in the cache
  /// afterwards.
  void run(StepPlan plan, List<Wanted> wanted) {
    for (RankRunner rank : ranks) {
      rank.reserve(KvGroup.GLOBAL, blocks.blocksInUse(KvGroup.GLOBAL));
      rank.reserve(KvGroup.CHUNKED, blocks.blocksInUse(KvGroup.CHUNKED));
    }
    ensureBuffers(plan.tokens(), 1);
    List<StepInput> inputs = tensors.input(plan, wanted);
    backend.step(rank -> ranks.get(rank).forward(inputs.get(rank)));
  }

  /// Makes the wanted logits of the step that has just been run, and samples them.
  List<SampleResult> sample(List<Wanted> wanted) {
    int count = wanted.size();
    int most = Math.min(wanted.size(), MOST_LOGIT_ROWS);
    if (most > ranks.getFirst().logitRowCapacity()) {
      throw new IllegalStateException("Logit rows were not planned for");
    }
    List<SampleResult> results = new ArrayList<>(wanted.size());
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
    return results;
  }

  /// The memory of cache and scratch buffers that has been taken so far. Callable from any thread.
  long takenBytes() {
    return ranks.stream().mapToLong(RankRunner::takenBytes).sum();
  }

  /// Scratch memory for a step.
  void ensureBuffers(int tokens, int logitRows) {
    int rows = Math.min(logitRows, MOST_LOGIT_ROWS);
    ranks.forEach(rank -> rank.ensureBuffers(tokens, rows));
  }

  @Override
  public void close() {
    ranks.forEach(RankRunner::close);
    tensors.close();
  }
}
