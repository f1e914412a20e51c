package io.sparkllama4.engine;

import java.util.List;

/// What a sequence that begins finds in the cache.
///
/// @param nodes its first full blocks, as far as they are there
/// @param isComing whether a sequence in the engine is computing more of them, so that waiting for
///     it saves computing them twice
record SharedPrefix(List<PrefixNode> nodes, boolean isComing) {
  /// Nothing.
  static final SharedPrefix NONE = new SharedPrefix(List.of(), false);

  /// Nothing yet.
  static final SharedPrefix LATER = new SharedPrefix(List.of(), true);

  int blocks() {
    return nodes.size();
  }
}
