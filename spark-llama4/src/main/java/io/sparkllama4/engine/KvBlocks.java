package io.sparkllama4.engine;

import io.sparkllama4.model.DecoderSpec;
import io.sparkllama4.model.KvGroup;
import java.util.EnumMap;
import java.util.Map;

/// Who holds which blocks of the KV cache.
///
/// Two groups have block tables of their own: layers that see everything keep a sequence's blocks
/// until it ends; chunked layers give back what lies before the open chunk.
final class KvBlocks {
  /// Positions in a block, where the attention chunk does not ask for fewer.
  private static final int BLOCK_TOKENS = 16;

  private final int chunk;
  private final Map<KvGroup, Pool> pools = new EnumMap<>(KvGroup.class);
  private final long globalBytes;
  private final long chunkedBytes;
  private long globalTokens;
  private long chunkedTokens;
  private long peakBytes;

  /// Blocks of one group: ids below `next` have been handed out at least once.
  private static final class Pool {
    final int blockTokens;
    final int capacity;
    final IntList free = new IntList(16);
    int next;

    Pool(int blockTokens, int capacity) {
      this.blockTokens = blockTokens;
      this.capacity = capacity;
    }

    int available() {
      return free.size() + capacity - next;
    }

    /// Prefers blocks that were used before, so that the cache's memory grows no more than it must.
    int take() {
      return free.isEmpty() ? next++ : free.removeLast();
    }
  }

  /// @param globalTokens room in layers that see everything
  /// @param chunkedTokens room in chunked layers
  KvBlocks(DecoderSpec spec, int globalTokens, int chunkedTokens) {
    this.chunk = spec.chunk();
    this.globalBytes = spec.kvBytesPerToken(KvGroup.GLOBAL);
    this.chunkedBytes = spec.kvBytesPerToken(KvGroup.CHUNKED);
    if (globalBytes > 0) {
      pools.put(KvGroup.GLOBAL, pool(BLOCK_TOKENS, globalTokens));
    }
    if (chunkedBytes > 0) {
      pools.put(KvGroup.CHUNKED, pool(chunkedBlockTokens(chunk), chunkedTokens));
    }
  }

  private static Pool pool(int blockTokens, int tokens) {
    return new Pool(blockTokens, Math.ceilDiv(tokens, blockTokens));
  }

  /// Chunks end at the ends of blocks, so that a closed chunk leaves nothing behind.
  private static int chunkedBlockTokens(int chunk) {
    int size = BLOCK_TOKENS;
    while (chunk % size != 0) {
      size--;
    }
    return size;
  }

  /// Positions in a block of each group that the model has.
  Map<KvGroup, Integer> blockTokens() {
    Map<KvGroup, Integer> sizes = new EnumMap<>(KvGroup.class);
    pools.forEach((group, pool) -> sizes.put(group, pool.blockTokens));
    return sizes;
  }

  /// Blocks of `group` that the cache must have room for now.
  int blocksInUse(KvGroup group) {
    Pool pool = pools.get(group);
    return pool == null ? 0 : pool.next;
  }

  /// True where a sequence of `length` tokens fits, computed `step` tokens at a time, if no other
  /// holds anything.
  boolean canEverHold(int length, int step) {
    return fits(KvGroup.GLOBAL, length, true) && fits(KvGroup.CHUNKED, open(length, step), true);
  }

  /// True where a sequence of `length` tokens could begin now.
  boolean canBegin(int length, int step) {
    return fits(KvGroup.GLOBAL, length, false) && fits(KvGroup.CHUNKED, open(length, step), false);
  }

  /// The most tokens that chunked layers hold of a sequence at once.
  private int open(int length, int step) {
    return (int) Math.min(length, (long) chunk + step);
  }

  private boolean fits(KvGroup group, int tokens, boolean alone) {
    Pool pool = pools.get(group);
    return pool == null
        || Math.ceilDiv(tokens, pool.blockTokens) <= (alone ? pool.capacity : pool.available());
  }

  /// Gives `sequence` blocks for its first `end` positions; false, with nothing given, where there
  /// are not enough.
  boolean reserve(Sequence sequence, int end) {
    int global = missing(KvGroup.GLOBAL, sequence.globalBlocks.size(), end);
    int chunked =
        missing(KvGroup.CHUNKED, sequence.firstChunkedBlock + sequence.chunkedBlocks.size(), end);
    if (global < 0 || chunked < 0) {
      return false;
    }
    take(KvGroup.GLOBAL, global, sequence.globalBlocks);
    take(KvGroup.CHUNKED, chunked, sequence.chunkedBlocks);
    return true;
  }

  /// Blocks to add to `held` ones for `end` positions; -1 where there are not as many.
  private int missing(KvGroup group, int held, int end) {
    Pool pool = pools.get(group);
    if (pool == null) {
      return 0;
    }
    int needed = Math.max(0, Math.ceilDiv(end, pool.blockTokens) - held);
    return needed <= pool.available() ? needed : -1;
  }

  private void take(KvGroup group, int count, IntList blocks) {
    Pool pool = pools.get(group);
    for (int i = 0; pool != null && i < count; i++) {
      blocks.add(pool.take());
    }
  }

  /// Counts `count` tokens as stored; the step that stored them is over.
  void stored(int count) {
    globalTokens += count;
    chunkedTokens += count;
    peakBytes = Math.max(peakBytes, globalTokens * globalBytes + chunkedTokens * chunkedBytes);
  }

  /// Counts `count` tokens as no longer stored: their sequence was rolled back. It keeps the
  /// blocks, which it fills again.
  void forgotten(int count) {
    globalTokens -= count;
    chunkedTokens -= count;
  }

  /// Gives back what no later query of `sequence` can see.
  void releaseClosedChunks(Sequence sequence) {
    Pool pool = pools.get(KvGroup.CHUNKED);
    if (pool == null) {
      return;
    }
    int open = sequence.settled() - sequence.settled() % chunk;
    int closed =
        Math.min(
            open / pool.blockTokens - sequence.firstChunkedBlock, sequence.chunkedBlocks.size());
    if (closed > 0) {
      for (int i = 0; i < closed; i++) {
        pool.free.add(sequence.chunkedBlocks.get(i));
      }
      sequence.chunkedBlocks.removeFirst(closed);
      sequence.firstChunkedBlock += closed;
      chunkedTokens -= (long) closed * pool.blockTokens;
    }
  }

  /// Gives everything back that `sequence` holds.
  void release(Sequence sequence) {
    Pool global = pools.get(KvGroup.GLOBAL);
    for (int i = 0; global != null && i < sequence.globalBlocks.size(); i++) {
      global.free.add(sequence.globalBlocks.get(i));
    }
    globalTokens -= sequence.computed();
    Pool chunked = pools.get(KvGroup.CHUNKED);
    int freed = 0;
    if (chunked != null) {
      for (int i = 0; i < sequence.chunkedBlocks.size(); i++) {
        chunked.free.add(sequence.chunkedBlocks.get(i));
      }
      freed = sequence.firstChunkedBlock * chunked.blockTokens;
    }
    chunkedTokens -= sequence.computed() - freed;
    sequence.globalBlocks.clear();
    sequence.chunkedBlocks.clear();
    sequence.firstChunkedBlock = 0;
  }

  /// The most tokens that were stored at once; a token that only some layers hold counts by their
  /// share of the bytes of a whole one.
  long peakTokens() {
    return Math.ceilDiv(peakBytes, globalBytes + chunkedBytes);
  }
}
