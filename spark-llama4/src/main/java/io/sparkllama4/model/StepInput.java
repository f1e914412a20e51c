package io.sparkllama4.model;

import io.sparkllama4.backend.BlockTables;
import io.sparkllama4.backend.StepTokens;

/// Everything that one step of the decoder reads besides weights and caches.
///
/// @param tokens the tokens, sequence after sequence
/// @param global where the sequences lie in the caches of global layers
/// @param chunked where they lie in the caches of chunked layers
public record StepInput(StepTokens tokens, BlockTables global, BlockTables chunked) {
  /// The block tables of `group`.
  public BlockTables tables(KvGroup group) {
    return group == KvGroup.GLOBAL ? global : chunked;
  }
}
