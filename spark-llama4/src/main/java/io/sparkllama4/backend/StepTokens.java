package io.sparkllama4.backend;

import io.sparkllama4.tensor.Tensor;

/// The tokens of one step, sequence after sequence.
///
/// @param ids I32 `[T]`, vocabulary entries
/// @param positions I32 `[T]`, places in their sequences, counted from 0
/// @param queryStarts I32 `[S+1]`: tokens `queryStarts[s]` up to `queryStarts[s+1]` belong to
///     sequence `s`, at consecutive positions
/// @param longest the highest position plus 1: what no sequence sees more of
/// @param most the most tokens of one sequence
public record StepTokens(
    Tensor ids, Tensor positions, Tensor queryStarts, int longest, int most) {
  /// The number of tokens T.
  public int count() {
    return ids.rows();
  }

  /// The number of sequences S.
  public int sequences() {
    return queryStarts.rows() - 1;
  }
}
