package io.sparkllama4.engine;

import java.util.List;

/// The log-probability of a token and of the best ones in its place; natural logarithms, of the
/// model, before temperature, penalties and truncation.
///
/// @param id the token
/// @param logprob its log-probability
/// @param alternatives the best tokens, best first, the lower id first on a tie
public record TokenLogprob(int id, float logprob, List<Alternative> alternatives) {
  /// One of the best tokens.
  ///
  /// @param id the token
  /// @param logprob its log-probability
  public record Alternative(int id, float logprob) {}
}
