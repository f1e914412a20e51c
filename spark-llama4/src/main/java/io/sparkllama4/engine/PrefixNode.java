package io.sparkllama4.engine;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// The tokens of one block, behind those of the blocks above it: what keys and values in a block
/// belong to, since they depend on all tokens up to their own.
///
/// Equal where the tokens from the first on are equal: the same parent, which is one object, and
/// the same ids. The hash chains over all of them and alone decides nothing.
final class PrefixNode {
  /// In place of a block.
  static final int NO_BLOCK = -1;

  private final @Nullable PrefixNode parent;
  private final int[] ids;
  private final int hash;
  private final int depth;

  /// Where its keys and values lie, in each cache group.
  final Slot global = new Slot(this);

  final Slot chunked = new Slot(this);

  /// Nodes right below it, and sequences whose path ends here: it stays as long as there are any.
  int dependents;

  /// The sequence in the engine that will fill it; others that want it wait.
  @Nullable Sequence filler;

  /// A block of one cache group, or none.
  static final class Slot {
    final PrefixNode node;
    int block = NO_BLOCK;

    /// When its last holder gave it back, counted in such occasions.
    long released;

    Slot(PrefixNode node) {
      this.node = node;
    }

    boolean isEmpty() {
      return block == NO_BLOCK;
    }
  }

  private PrefixNode(@Nullable PrefixNode parent, int[] ids, int hash, int depth) {
    this.parent = parent;
    this.ids = ids;
    this.hash = hash;
    this.depth = depth;
  }

  /// The beginning of every sequence.
  static PrefixNode root() {
    return new PrefixNode(null, new int[0], 0, 0);
  }

  /// The node of `ids` behind those of this one.
  PrefixNode below(int[] ids) {
    return new PrefixNode(this, ids, 31 * hash + Arrays.hashCode(ids), depth + 1);
  }

  @Nullable PrefixNode parent() {
    return parent;
  }

  /// Blocks above it and its own.
  int depth() {
    return depth;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PrefixNode node
        && parent == node.parent
        && Arrays.equals(ids, node.ids);
  }

  @Override
  public int hashCode() {
    return hash;
  }
}
