package io.sparkllama4.engine;

/// What an engine has done so far.
///
/// @param steps steps of the decoder
/// @param maxRowsPerStep most sequences that shared one
/// @param preemptions how often a sequence gave its cache up to others, to be computed again
/// @param prefillTokens prompt tokens computed, those of preempted sequences again
/// @param generatedTokens tokens sampled
/// @param draftedTokens guessed tokens that were computed to be verified
/// @param acceptedTokens those of them that were right and became part of an output
/// @param kvTokensPeak most tokens whose keys and values were held at once; what only some layers
///     hold counts by their share
/// @param prefillNanos the part of the steps' time that prompts took
/// @param decodeNanos the part that outputs took
public record EngineStats(
    long steps,
    int maxRowsPerStep,
    long preemptions,
    long prefillTokens,
    long generatedTokens,
    long draftedTokens,
    long acceptedTokens,
    long kvTokensPeak,
    long prefillNanos,
    long decodeNanos) {
  /// Nothing yet.
  public static final EngineStats NONE = new EngineStats(0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}
