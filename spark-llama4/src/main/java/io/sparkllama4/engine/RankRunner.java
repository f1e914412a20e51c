package io.sparkllama4.engine;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.Probe;
import io.sparkllama4.backend.StepBuffers;
import io.sparkllama4.model.Decoder;
import io.sparkllama4.model.KvCache;
import io.sparkllama4.model.KvGroup;
import io.sparkllama4.model.StepInput;
import io.sparkllama4.tensor.Tensor;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// One rank's part of every step: its decoder with its cache, in which blocks lie as on all other
/// ranks, and its scratch memory. Used from the engine's thread between steps, and from the rank's
/// in them.
final class RankRunner implements AutoCloseable {
  /// What even the smallest step makes room for, so that those behind it need no more.
  private static final int LEAST_TOKENS = 16;

  private static final int LEAST_ROWS = 4;

  private final Decoder decoder;
  private final Backend backend;
  private final KvCache cache;
  private final Probe probe;

  /// None before the first step, and behind one that found no memory. Replaced by the engine's
  /// thread alone; others ask how much they take.
  private volatile @Nullable StepBuffers buffers;

  private long moves;

  RankRunner(Decoder decoder, Backend backend, KvBlocks blocks, Probe probe) {
    this.decoder = decoder;
    this.backend = backend;
    this.probe = probe;
    this.cache =
        new KvCache(decoder.share().spec(), blocks.blockTokens(), blocks.capacities(), backend);
  }

  /// Makes room for blocks 0 to `blocks - 1` of `group`.
  void reserve(KvGroup group, int blocks) {
    cache.reserve(group, blocks);
  }

  void forward(StepInput input) {
    decoder.forward(input, cache, Objects.requireNonNull(buffers), probe);
  }

  /// As [Decoder#head].
  Tensor head(int count, Tensor rows) {
    return decoder.head(count, rows, Objects.requireNonNull(buffers));
  }

  int logitRowCapacity() {
    StepBuffers known = buffers;
    return known == null ? 0 : known.logitRowCapacity();
  }

  private int tokenCapacity() {
    StepBuffers known = buffers;
    return known == null ? 0 : known.tokenCapacity();
  }

  /// Callable from any thread.
  long takenBytes() {
    StepBuffers known = buffers;
    return cache.bytes() + (known == null ? 0 : known.bytes());
  }

  /// How often scratch memory was given up.
  long moves() {
    return moves;
  }

  /// Scratch memory for a step; grows by doubling, and never holds anything between steps.
  void ensureBuffers(int tokens, int rows) {
    if (tokens <= tokenCapacity() && rows <= logitRowCapacity()) {
      return;
    }
    int newTokens = Math.max(Math.max(LEAST_TOKENS, tokenCapacity()), ceilingPowerOfTwo(tokens));
    int newRows = Math.max(Math.max(LEAST_ROWS, logitRowCapacity()), ceilingPowerOfTwo(rows));
    giveBuffersBack();
    // Where there is no memory for a step that is too large, it costs its own rows and no others:
    // the next one begins with as much as it needs.
    buffers = new StepBuffers(backend, decoder.share().bufferSizes(), newTokens, newRows);
  }

  private void giveBuffersBack() {
    StepBuffers known = buffers;
    if (known != null) {
      buffers = null;
      moves++;
      known.close();
    }
  }

  private static int ceilingPowerOfTwo(int value) {
    return value <= 1 ? 1 : Integer.highestOneBit(value - 1) << 1;
  }

  @Override
  public void close() {
    giveBuffersBack();
    cache.close();
  }
}
