package io.sparkllama4.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The blocks of one cache group: free, held by sequences, or kept for a prefix until their memory
/// is wanted. Ids below `next` have been handed out at least once.
final class BlockPool {
  private final int blockTokens;
  private final int capacity;
  private final Consumer<PrefixNode> evicted;
  private final IntList free = new IntList(16);
  private int next;
  private long heldTokens;

  /// How many sequences hold each block, and what prefix its keys and values belong to.
  private final IntList holders = new IntList(16);

  private final List<PrefixNode.@Nullable Slot> slots = new ArrayList<>();

  /// Blocks of prefixes that nobody holds, in the order in which they go: the least recently used
  /// first, and of those given back together the ones furthest from the beginning, without which
  /// the others are still of use.
  private final TreeSet<PrefixNode.Slot> idle =
      new TreeSet<>(
          Comparator.comparingLong((PrefixNode.Slot slot) -> slot.released)
              .thenComparingInt(slot -> -slot.node.depth())
              .thenComparingInt(slot -> slot.block));

  /// @param capacity blocks
  /// @param evicted told of a prefix that has lost its block in this group
  BlockPool(int blockTokens, int capacity, Consumer<PrefixNode> evicted) {
    this.blockTokens = blockTokens;
    this.capacity = capacity;
    this.evicted = evicted;
  }

  int blockTokens() {
    return blockTokens;
  }

  int capacity() {
    return capacity;
  }

  /// Blocks that can be taken.
  int available() {
    return free.size() + capacity - next + idle.size();
  }

  /// Blocks that the cache must have room for.
  int used() {
    return next;
  }

  /// Tokens in blocks that somebody holds, those of shared blocks once.
  long heldTokens() {
    return heldTokens;
  }

  /// True where `slot` has a block that nobody holds.
  boolean isIdle(PrefixNode.Slot slot) {
    return !slot.isEmpty() && holders.get(slot.block) == 0;
  }

  /// A block for one holder. Prefers blocks that were used before, so that the cache's memory grows
  /// no more than it must; what is kept for prefixes goes last.
  int take() {
    int block;
    if (!free.isEmpty()) {
      block = free.removeLast();
    } else if (next < capacity) {
      block = next++;
      holders.add(0);
      slots.add(null);
    } else {
      PrefixNode.Slot oldest = idle.first();
      block = empty(oldest);
      evicted.accept(oldest.node);
    }
    holders.set(block, 1);
    return block;
  }

  /// Takes the idle block of `slot` away.
  private int empty(PrefixNode.Slot slot) {
    idle.remove(slot);
    int block = slot.block;
    slots.set(block, null);
    slot.block = PrefixNode.NO_BLOCK;
    return block;
  }

  /// Frees the block of `slot` if it has one; nobody may hold it.
  void drop(PrefixNode.Slot slot) {
    if (!slot.isEmpty()) {
      if (!isIdle(slot)) {
        throw new IllegalStateException("A block that is held cannot be dropped");
      }
      free.add(empty(slot));
    }
  }

  /// One more holder of the block of `slot`, which is full.
  int share(PrefixNode.Slot slot) {
    int block = slot.block;
    if (holders.get(block) == 0) {
      idle.remove(slot);
      heldTokens += blockTokens;
    }
    holders.set(block, holders.get(block) + 1);
    return block;
  }

  /// Says that `block`, which is held and full, has the keys and values of the prefix of `slot`.
  void keep(int block, PrefixNode.Slot slot) {
    slot.block = block;
    slots.set(block, slot);
  }

  /// One holder less of `block`.
  ///
  /// @param tokens how many of its tokens are stored
  /// @param now orders releases
  void release(int block, int tokens, long now) {
    int left = holders.get(block) - 1;
    holders.set(block, left);
    if (left == 0) {
      heldTokens -= tokens;
      PrefixNode.Slot slot = slots.get(block);
      if (slot == null) {
        free.add(block);
      } else {
        slot.released = now;
        idle.add(slot);
      }
    }
  }

  /// Counts tokens that have been stored in blocks that are held, or, below 0, rolled back.
  void count(int tokens) {
    heldTokens += tokens;
  }
}
