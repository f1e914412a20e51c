package io.sparkllama4.backend;

/// What was made of one row of logits. Log-probabilities are those of the model: natural
/// logarithms, before penalties, temperature and truncation.
///
/// @param id the sampled token; [#NOT_A_NUMBER] where a logit is not finite, so that nothing can be
///     sampled
/// @param logprobs of the row's targets in their order, or of the sampled token; none where they
///     were not asked for
/// @param alternativeIds the most probable tokens, best first, the lower id first on a tie
/// @param alternativeLogprobs theirs
@SuppressWarnings("ArrayRecordComponent") // Plain data out of a kernel; nobody compares it.
public record SampleResult(
    int id, float[] logprobs, int[] alternativeIds, float[] alternativeLogprobs) {

  /// In place of a token: the row's logits are broken.
  public static final int NOT_A_NUMBER = -1;
}
