package io.sparkllama4.engine;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.Probe;
import io.sparkllama4.backend.StepBuffers;
import io.sparkllama4.model.Decoder;
import io.sparkllama4.model.KvCache;
import io.sparkllama4.model.KvGroup;
import io.sparkllama4.model.StepInput;
import io.sparkllama4.tensor.Tensor;

/// One rank's part of every step: its decoder with its cache, in which blocks lie as on all other
/// ranks, and its scratch memory. Used from the engine's thread between steps, and from the rank's
/// in them.
final class RankRunner implements AutoCloseable {
  private final Decoder decoder;
  private final Backend backend;
  private final KvCache cache;
  private final Probe probe;

  /// Replaced by the engine's thread alone; others ask how much it takes.
  private volatile StepBuffers buffers;

  RankRunner(Decoder decoder, Backend backend, KvBlocks blocks, Probe probe) {
    this.decoder = decoder;
    this.backend = backend;
    this.probe = probe;
    this.cache =
        new KvCache(decoder.share().spec(), blocks.blockTokens(), blocks.capacities(), backend);
    this.buffers = smallBuffers();
  }

  /// Makes room for blocks 0 to `blocks - 1` of `group`.
  void reserve(KvGroup group, int blocks) {
    cache.reserve(group, blocks);
  }

  void forward(StepInput input) {
    decoder.forward(input, cache, buffers, probe);
  }

  /// As [Decoder#head].
  Tensor head(int count, Tensor rows) {
    return decoder.head(count, rows, buffers);
  }

  int logitRowCapacity() {
    return buffers.logitRowCapacity();
  }

  /// Callable from any thread.
  long takenBytes() {
    return cache.bytes() + buffers.bytes();
  }

  /// Scratch memory for a step; grows by doubling, and never holds anything between steps.
  void ensureBuffers(int tokens, int rows) {
    if (tokens <= buffers.tokenCapacity() && rows <= buffers.logitRowCapacity()) {
      return;
    }
    int newTokens = Math.max(buffers.tokenCapacity(), ceilingPowerOfTwo(tokens));
    int newRows = Math.max(buffers.logitRowCapacity(), ceilingPowerOfTwo(rows));
    buffers.close();
    // Small ones are there again whatever happens, so that a step that is too large costs its own
    // rows and no others.
    buffers = smallBuffers();
    StepBuffers large = new StepBuffers(backend, decoder.share().bufferSizes(), newTokens, newRows);
    buffers.close();
    buffers = large;
  }

  private StepBuffers smallBuffers() {
    return new StepBuffers(backend, decoder.share().bufferSizes(), 16, 4);
  }

  private static int ceilingPowerOfTwo(int value) {
    return value <= 1 ? 1 : Integer.highestOneBit(value - 1) << 1;
  }

  @Override
  public void close() {
    buffers.close();
    cache.close();
  }
}
