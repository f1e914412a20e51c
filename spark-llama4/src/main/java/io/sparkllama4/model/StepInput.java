package io.sparkllama4.model;

import io.sparkllama4.backend.BlockTables;
import io.sparkllama4.backend.StepTokens;
import io.sparkllama4.tensor.Tensor;
import java.util.Optional;

/// Everything that one step of the decoder reads besides weights and caches.
///
/// @param tokens the tokens, sequence after sequence
/// @param global where the sequences lie in the caches of global layers
/// @param chunked where they lie in the caches of chunked layers
/// @param wanted the tokens whose logits are wanted; empty where they are those of all
public record StepInput(
    StepTokens tokens, BlockTables global, BlockTables chunked, Optional<Wanted> wanted) {
  /// Tokens whose logits are wanted: of each sequence the last ones of the step, or none.
  ///
  /// @param rows I32 `[R]`, their indices in the step, ascending
  /// @param tokens the same, with the sequences of the step
  public record Wanted(Tensor rows, StepTokens tokens) {}

  /// A step in which the logits of all tokens are wanted.
  public StepInput(StepTokens tokens, BlockTables global, BlockTables chunked) {
    this(tokens, global, chunked, Optional.empty());
  }

  /// The block tables of `group`.
  public BlockTables tables(KvGroup group) {
    return group == KvGroup.GLOBAL ? global : chunked;
  }
}
