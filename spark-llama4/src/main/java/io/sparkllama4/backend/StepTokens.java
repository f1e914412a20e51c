package io.sparkllama4.backend;

import io.sparkllama4.tensor.Tensor;

/// The tokens of one step, sequence after sequence; behind them may stand others that belong to no
/// sequence, with negative positions and slots, whose results nobody reads.
///
/// @param ids I32 `[T]`, vocabulary entries
/// @param positions I32 `[T]`, places in their sequences, counted from 0
/// @param queryStarts I32 `[S+1]`: tokens `queryStarts[s]` up to `queryStarts[s+1]` belong to
///     sequence `s`, at consecutive positions
/// @param longest at least the highest position plus 1
/// @param most the most tokens of one sequence
public record StepTokens(Tensor ids, Tensor positions, Tensor queryStarts, int longest, int most) {
  /// The number of tokens T, those of no sequence among them.
  public int count() {
    return ids.rows();
  }

  /// The number of sequences S.
  public int sequences() {
    return queryStarts.rows() - 1;
  }
}
