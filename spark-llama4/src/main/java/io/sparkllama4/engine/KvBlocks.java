package io.sparkllama4.engine;

import io.sparkllama4.model.DecoderSpec;
import io.sparkllama4.model.KvGroup;
import io.sparkllama4.tensor.DType;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Who holds which blocks of the KV cache.
///
/// Two groups have block tables of their own: layers that see everything keep a sequence's blocks
/// until it ends; chunked layers give back what lies before the open chunk.
///
/// With a prefix cache, full blocks whose tokens will not change are known by all tokens up to
/// their end, and sequences that begin with the same ones hold the same blocks. Nobody writes to
/// such a block: a sequence computes from the end of what it shares on. Blocks that nobody holds
/// any more stay until their memory is wanted.
final class KvBlocks {
  /// Positions in a block, where the attention chunk does not ask for fewer.
  private static final int BLOCK_TOKENS = 16;

  private final int chunk;
  private final int blockTokens;
  private final @Nullable BlockPool global;
  private final @Nullable BlockPool chunked;
  private final @Nullable PrefixTree prefixes;

  /// What a token takes in either group; only their ratio counts.
  private final long globalBytes;

  private final long chunkedBytes;
  private long peakBytes;
  private long releases;

  /// @param globalTokens room in layers that see everything
  /// @param chunkedTokens room in chunked layers
  /// @param prefixCache whether sequences share the blocks of equal beginnings
  KvBlocks(DecoderSpec spec, int globalTokens, int chunkedTokens, boolean prefixCache) {
    this.chunk = spec.chunk();
    this.blockTokens = blockTokens(chunk);
    this.globalBytes = spec.kvBytesPerToken(KvGroup.GLOBAL, DType.F32);
    this.chunkedBytes = spec.kvBytesPerToken(KvGroup.CHUNKED, DType.F32);
    this.global = globalBytes == 0 ? null : pool(globalTokens);
    this.chunked = chunkedBytes == 0 ? null : pool(chunkedTokens);
    this.prefixes = prefixCache ? new PrefixTree(blockTokens, this::isFilled) : null;
  }

  private BlockPool pool(int tokens) {
    return new BlockPool(blockTokens, Math.ceilDiv(tokens, blockTokens), this::evicted);
  }

  /// Chunks end at the ends of blocks, so that a closed chunk leaves nothing behind; blocks of both
  /// groups end at the same positions, so that a prefix has whole blocks in both.
  private static int blockTokens(int chunk) {
    int size = BLOCK_TOKENS;
    while (chunk % size != 0) {
      size--;
    }
    return size;
  }

  /// Positions in a block of each group that the model has.
  Map<KvGroup, Integer> blockTokens() {
    Map<KvGroup, Integer> sizes = new EnumMap<>(KvGroup.class);
    for (KvGroup group : KvGroup.values()) {
      if (pool(group) != null) {
        sizes.put(group, blockTokens);
      }
    }
    return sizes;
  }

  /// The most blocks of each group that the model has.
  Map<KvGroup, Integer> capacities() {
    Map<KvGroup, Integer> capacities = new EnumMap<>(KvGroup.class);
    for (KvGroup group : KvGroup.values()) {
      BlockPool pool = pool(group);
      if (pool != null) {
        capacities.put(group, pool.capacity());
      }
    }
    return capacities;
  }

  private @Nullable BlockPool pool(KvGroup group) {
    return group == KvGroup.GLOBAL ? global : chunked;
  }

  /// Blocks of `group` that the cache must have room for now.
  int blocksInUse(KvGroup group) {
    BlockPool pool = pool(group);
    return pool == null ? 0 : pool.used();
  }

  /// Blocks of tokens that the prefix cache knows.
  int knownPrefixes() {
    return prefixes == null ? 0 : prefixes.size();
  }

  /// True where a sequence of `length` tokens fits, computed `step` tokens at a time, if no other
  /// holds anything.
  boolean canEverHold(int length, int step) {
    return (global == null || blocks(length) <= global.capacity())
        && (chunked == null || blocks(open(length, step)) <= chunked.capacity());
  }

  /// True where a sequence of `length` tokens that shares `prefix` could begin now.
  boolean canBegin(SharedPrefix prefix, int length, int step) {
    return fits(global, prefix, 0, length)
        && fits(chunked, prefix, open(prefix), open(length, step));
  }

  /// The most tokens that chunked layers hold of a sequence at once.
  private int open(int length, int step) {
    return (int) Math.min(length, (long) chunk + step);
  }

  /// The first block of `prefix` that a later query of chunked layers sees.
  private int open(SharedPrefix prefix) {
    return openBlock(tokens(prefix));
  }

  /// Tokens of `prefix`.
  int tokens(SharedPrefix prefix) {
    return prefix.blocks() * blockTokens;
  }

  private int openBlock(int position) {
    return chunk == 0 ? 0 : (position - position % chunk) / blockTokens;
  }

  private int blocks(int tokens) {
    return Math.ceilDiv(tokens, blockTokens);
  }

  /// True where `pool` has the blocks of `tokens` tokens besides those of `prefix` from `first` on,
  /// which nobody can take then.
  private boolean fits(@Nullable BlockPool pool, SharedPrefix prefix, int first, int tokens) {
    if (pool == null) {
      return true;
    }
    int shared = prefix.blocks() - first;
    int idle = 0;
    for (PrefixNode node : prefix.nodes().subList(first, prefix.blocks())) {
      if (pool.isIdle(slot(pool, node))) {
        idle++;
      }
    }
    return blocks(tokens) - shared <= pool.available() - idle;
  }

  private PrefixNode.Slot slot(BlockPool pool, PrefixNode node) {
    return pool == global ? node.global : node.chunked;
  }

  /// Gives `sequence` blocks for its first `end` positions; false, with nothing given, where there
  /// are not enough.
  boolean reserve(Sequence sequence, int end) {
    int more = blocks(end) - sequence.globalBlocks.size();
    int moreChunked = blocks(end) - sequence.firstChunkedBlock - sequence.chunkedBlocks.size();
    if ((global != null && more > global.available())
        || (chunked != null && moreChunked > chunked.available())) {
      return false;
    }
    take(global, more, sequence.globalBlocks);
    take(chunked, moreChunked, sequence.chunkedBlocks);
    return true;
  }

  private static void take(@Nullable BlockPool pool, int count, IntList blocks) {
    for (int i = 0; pool != null && i < count; i++) {
      blocks.add(pool.take());
    }
  }

  /// Counts `count` tokens as stored; the step that stored them is over.
  void stored(int count) {
    count(count);
    peakBytes = Math.max(peakBytes, held(global) * globalBytes + held(chunked) * chunkedBytes);
  }

  private static long held(@Nullable BlockPool pool) {
    return pool == null ? 0 : pool.heldTokens();
  }

  private void count(int tokens) {
    if (global != null) {
      global.count(tokens);
    }
    if (chunked != null) {
      chunked.count(tokens);
    }
  }

  /// Counts `count` tokens as no longer stored: their sequence was rolled back. It keeps the
  /// blocks, which it fills again.
  void forgotten(int count) {
    count(-count);
  }

  /// Lets others share what `sequence` has computed for good, and gives back what no later query of
  /// it can see.
  void settle(Sequence sequence) {
    publish(sequence);
    if (chunked == null) {
      return;
    }
    int closed =
        Math.min(
            openBlock(sequence.settled()) - sequence.firstChunkedBlock,
            sequence.chunkedBlocks.size());
    if (closed > 0) {
      releases++;
      for (int i = 0; i < closed; i++) {
        chunked.release(sequence.chunkedBlocks.get(i), blockTokens, releases);
      }
      sequence.chunkedBlocks.removeFirst(closed);
      sequence.firstChunkedBlock += closed;
    }
  }

  /// Gives everything back that `sequence` holds.
  void release(Sequence sequence) {
    releases++;
    release(global, sequence.globalBlocks, 0, sequence.computed());
    release(chunked, sequence.chunkedBlocks, sequence.firstChunkedBlock, sequence.computed());
    sequence.firstChunkedBlock = 0;
    sequence.published = 0;
    if (prefixes != null) {
      prefixes.leave(sequence);
    }
  }

  private void release(@Nullable BlockPool pool, IntList blocks, int first, int computed) {
    for (int i = 0; pool != null && i < blocks.size(); i++) {
      int tokens = Math.clamp((long) computed - (long) (first + i) * blockTokens, 0, blockTokens);
      pool.release(blocks.get(i), tokens, releases);
    }
    blocks.clear();
  }

  /// What `sequence` could share if it began now.
  SharedPrefix find(Sequence sequence) {
    if (prefixes == null) {
      return SharedPrefix.NONE;
    }
    PrefixNode awaited = sequence.awaited;
    if (awaited != null && awaited.filler != null) {
      return SharedPrefix.LATER;
    }
    sequence.awaited = null;
    List<PrefixNode> nodes = prefixes.find(sequence.tokens(), sequence.reusable() / blockTokens);
    int shared = shared(nodes);
    if (shared < nodes.size() && nodes.get(shared).filler != null) {
      sequence.awaited = nodes.get(shared);
      return SharedPrefix.LATER;
    }
    return new SharedPrefix(nodes.subList(0, shared), false);
  }

  /// How many of `nodes` are of use: behind the last, global layers see all blocks and chunked
  /// layers those of the open chunk.
  private int shared(List<PrefixNode> nodes) {
    int best = 0;
    int unbroken = 0;
    for (int i = 0; i < nodes.size() && (global == null || !nodes.get(i).global.isEmpty()); i++) {
      if (chunked != null && nodes.get(i).chunked.isEmpty()) {
        unbroken = i + 1;
      }
      if (unbroken <= openBlock((i + 1) * blockTokens)) {
        best = i + 1;
      }
    }
    return best;
  }

  /// Begins `sequence`, which holds nothing yet, with the blocks of `prefix`; what it computes
  /// behind them others wait for.
  void begin(Sequence sequence, SharedPrefix prefix) {
    if (prefixes == null) {
      return;
    }
    prefixes.extend(sequence, sequence.fixedTokens() / blockTokens);
    for (PrefixNode node : prefix.nodes()) {
      if (global != null) {
        sequence.globalBlocks.add(global.share(node.global));
      }
    }
    sequence.firstChunkedBlock = open(prefix);
    for (int i = open(prefix); i < prefix.blocks(); i++) {
      if (chunked != null) {
        sequence.chunkedBlocks.add(chunked.share(prefix.nodes().get(i).chunked));
      }
    }
    sequence.published = prefix.blocks();
    sequence.commit(tokens(prefix));
    for (PrefixNode node : sequence.path.subList(prefix.blocks(), sequence.path.size())) {
      if (node.filler == null && !isComplete(node)) {
        node.filler = sequence;
      }
    }
  }

  /// Makes the full blocks known that `sequence` will not write to any more. Where another was
  /// first, it takes the other's, which hold the same, and frees its own.
  private void publish(Sequence sequence) {
    int full = sequence.settled() / blockTokens;
    if (prefixes == null || full == sequence.published) {
      return;
    }
    prefixes.extend(sequence, full);
    releases++;
    for (int i = sequence.published; i < full; i++) {
      PrefixNode node = sequence.path.get(i);
      publish(global, node.global, sequence.globalBlocks, i);
      publish(chunked, node.chunked, sequence.chunkedBlocks, i - sequence.firstChunkedBlock);
      node.filler = null;
    }
    sequence.published = full;
  }

  private void publish(@Nullable BlockPool pool, PrefixNode.Slot slot, IntList blocks, int index) {
    if (pool == null || index < 0) {
      return;
    }
    int own = blocks.get(index);
    if (slot.isEmpty()) {
      pool.keep(own, slot);
    } else if (slot.block != own) {
      blocks.set(index, pool.share(slot));
      pool.release(own, blockTokens, releases);
    }
  }

  private boolean isFilled(PrefixNode node) {
    return !(global == null ? node.chunked : node.global).isEmpty();
  }

  private boolean isComplete(PrefixNode node) {
    return (global == null || !node.global.isEmpty())
        && (chunked == null || !node.chunked.isEmpty());
  }

  /// A prefix without its keys and values in global layers is of no use to anybody.
  private void evicted(PrefixNode node) {
    if (!isFilled(node)) {
      if (chunked != null) {
        chunked.drop(node.chunked);
      }
      if (prefixes != null) {
        prefixes.prune(node);
      }
    }
  }

  /// The most tokens that were held by sequences at once, those that several share once; a token
  /// that only some layers hold counts by their share of the bytes of a whole one.
  long peakTokens() {
    return Math.ceilDiv(peakBytes, globalBytes + chunkedBytes);
  }
}
