package io.sparkllama4.backend;

/// What is asked of one row of logits.
///
/// @param temperature divisor of the logits; 0 takes the highest
/// @param topK candidates kept by rank; 0 keeps all
/// @param topP probability mass kept, best first, including the token that crosses it; 1 keeps all
/// @param minP least probability kept, relative to the best; 0 keeps all
/// @param penalties what lowers or raises tokens that occurred before
/// @param uniform the random number in [0, 1) that decides
/// @param targets the tokens whose log-probabilities are wanted; none for that of the sampled one
/// @param alternatives how many of the most probable tokens are wanted with their
///     log-probabilities; [#NO_LOGPROBS] where not even those of the targets are wanted
@SuppressWarnings("ArrayRecordComponent") // Plain data on the way to a kernel; nobody compares it.
public record SampleRow(
    float temperature,
    int topK,
    float topP,
    float minP,
    Penalties penalties,
    double uniform,
    int[] targets,
    int alternatives) {

  /// No log-probability is wanted.
  public static final int NO_LOGPROBS = -1;

  /// Changes of the logits of tokens that occurred before.
  ///
  /// @param repetition divides positive and multiplies negative logits of tokens of prompt and
  ///     output
  /// @param presence subtracted once for tokens of the output
  /// @param frequency subtracted for each occurrence in the output
  /// @param tokens distinct tokens that occurred
  /// @param outputCounts how often each of them occurs in the output
  @SuppressWarnings(
      "ArrayRecordComponent") // Plain data on the way to a kernel; nobody compares it.
  public record Penalties(
      float repetition, float presence, float frequency, int[] tokens, int[] outputCounts) {
    /// Logits stay as they are.
    public static final Penalties NONE = new Penalties(1, 0, 0, new int[0], new int[0]);
  }

  /// A row of a prompt: the log-probabilities of tokens that may follow, and the best
  /// `alternatives`.
  public static SampleRow score(int[] targets, int alternatives) {
    return new SampleRow(0, 0, 1, 0, Penalties.NONE, 0, targets, alternatives);
  }
}
