package io.sparkllama4.engine;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.Probe;
import io.sparkllama4.backend.SampleResult;
import io.sparkllama4.backend.SampleRow;
import io.sparkllama4.backend.StepBuffers;
import io.sparkllama4.model.Decoder;
import io.sparkllama4.model.KvCache;
import io.sparkllama4.model.KvGroup;
import io.sparkllama4.model.StepInput;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// Executes plans: brings sequences to the kernels and samples back. Owns the cache and the scratch
/// memory. Confined to the engine's thread.
final class StepRunner implements AutoCloseable {
  /// Rows of logits made at once: enough to use every weight of the head well, little memory even
  /// for vocabularies of 200,000.
  static final int MOST_LOGIT_ROWS = 256;

  private final Decoder decoder;
  private final Backend backend;
  private final KvBlocks blocks;
  private final KvCache cache;
  private final StepTensors tensors;
  private final Probe probe;

  /// Replaced by the engine's thread alone; others ask how much it takes.
  private volatile StepBuffers buffers;

  StepRunner(Decoder decoder, Backend backend, KvBlocks blocks, Probe probe) {
    this.decoder = decoder;
    this.backend = backend;
    this.blocks = blocks;
    this.probe = probe;
    this.cache = new KvCache(decoder.spec(), blocks.blockTokens(), backend);
    this.tensors = new StepTensors(backend, cache.blockTokens());
    this.buffers = smallBuffers();
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
    cache.reserve(KvGroup.GLOBAL, blocks.blocksInUse(KvGroup.GLOBAL));
    cache.reserve(KvGroup.CHUNKED, blocks.blocksInUse(KvGroup.CHUNKED));
    ensureBuffers(plan.tokens(), 1);
    StepInput input = tensors.input(plan, wanted);
    backend.step(() -> decoder.forward(input, cache, buffers, probe));
  }

  /// Makes the wanted logits of the step that has just been run, and samples them.
  List<SampleResult> sample(List<Wanted> wanted) {
    int count = wanted.size();
    int most = Math.min(wanted.size(), MOST_LOGIT_ROWS);
    if (most > buffers.logitRowCapacity()) {
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
      Tensor indices = tensors.rows(rows);
      backend.step(
          () -> {
            Tensor logits = decoder.head(count, indices, buffers);
            probe.see("logits", logits);
            results.addAll(backend.kernels().sample(logits, samples));
          });
    }
    return results;
  }

  /// The memory of cache and scratch buffers that has been taken so far. Callable from any thread.
  long takenBytes() {
    return cache.bytes() + buffers.bytes();
  }

  /// Scratch memory for a step; grows by doubling, and never holds anything between steps.
  void ensureBuffers(int tokens, int logitRows) {
    int rows = Math.min(logitRows, MOST_LOGIT_ROWS);
    if (tokens <= buffers.tokenCapacity() && rows <= buffers.logitRowCapacity()) {
      return;
    }
    int newTokens = Math.max(buffers.tokenCapacity(), ceilingPowerOfTwo(tokens));
    int newRows = Math.max(buffers.logitRowCapacity(), ceilingPowerOfTwo(rows));
    buffers.close();
    // Small ones are there again whatever happens, so that a step that is too large costs its own
    // rows
    // and no others.
    buffers = smallBuffers();
    StepBuffers large = new StepBuffers(backend, decoder.spec().bufferSizes(), newTokens, newRows);
    buffers.close();
    buffers = large;
  }

  private StepBuffers smallBuffers() {
    return new StepBuffers(backend, decoder.spec().bufferSizes(), 16, 4);
  }

  private static int ceilingPowerOfTwo(int value) {
    return value <= 1 ? 1 : Integer.highestOneBit(value - 1) << 1;
  }

  @Override
  public void close() {
    buffers.close();
    tensors.close();
    cache.close();
  }
}
