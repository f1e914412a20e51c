package io.sparkllama4.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// Beginnings of sequences, block by block, whose keys and values are in the cache or will be soon.
final class PrefixTree {
  private final PrefixNode root = PrefixNode.root();
  private final Map<PrefixNode, PrefixNode> nodes = new HashMap<>();
  private final int blockTokens;
  private final Predicate<PrefixNode> isFilled;

  /// @param isFilled whether a node has keys and values, for which it is kept
  PrefixTree(int blockTokens, Predicate<PrefixNode> isFilled) {
    this.blockTokens = blockTokens;
    this.isFilled = isFilled;
  }

  int size() {
    return nodes.size();
  }

  /// The nodes of the first `blocks` blocks of `tokens`, as far as there are any.
  List<PrefixNode> find(IntList tokens, int blocks) {
    List<PrefixNode> found = new ArrayList<>();
    PrefixNode node = root;
    for (int i = 0; i < blocks; i++) {
      PrefixNode next = nodes.get(below(node, tokens, i));
      if (next == null) {
        break;
      }
      found.add(next);
      node = next;
    }
    return found;
  }

  private PrefixNode below(PrefixNode node, IntList tokens, int index) {
    return node.below(tokens.copy(index * blockTokens, (index + 1) * blockTokens));
  }

  /// Leads the path of `sequence` over its first `blocks` blocks, making nodes that are not there.
  @SuppressWarnings("ReferenceEquality") // Nodes are places in the tree: equal ones may be two.
  void extend(Sequence sequence, int blocks) {
    List<PrefixNode> path = sequence.path;
    PrefixNode end = path.isEmpty() ? null : path.getLast();
    for (int i = path.size(); i < blocks; i++) {
      PrefixNode above = path.isEmpty() ? root : path.getLast();
      PrefixNode key = below(above, sequence.tokens(), i);
      PrefixNode node = nodes.get(key);
      if (node == null) {
        node = key;
        nodes.put(key, key);
        above.dependents++;
      }
      path.add(node);
    }
    PrefixNode newEnd = path.isEmpty() ? null : path.getLast();
    if (newEnd != null && newEnd != end) {
      newEnd.dependents++;
      leave(end);
    }
  }

  /// Ends the path of `sequence`, and with it what it would have filled.
  void leave(Sequence sequence) {
    List<PrefixNode> path = sequence.path;
    for (PrefixNode node : path) {
      if (node.filler == sequence) {
        node.filler = null;
      }
    }
    leave(path.isEmpty() ? null : path.getLast());
    path.clear();
  }

  private void leave(@Nullable PrefixNode end) {
    if (end != null) {
      end.dependents--;
      prune(end);
    }
  }

  /// Forgets `node` and those above it that nothing depends on and that hold nothing.
  void prune(PrefixNode node) {
    PrefixNode at = node;
    PrefixNode parent = at.parent();
    while (parent != null && at.dependents == 0 && !isFilled.test(at)) {
      nodes.remove(at);
      parent.dependents--;
      at = parent;
      parent = at.parent();
    }
  }
}
