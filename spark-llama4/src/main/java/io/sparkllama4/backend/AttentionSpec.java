package io.sparkllama4.backend;

/// What one attention layer does, as data.
///
/// @param heads query heads, a multiple of `kvHeads`; query head `h` reads key head `h / (heads /
///     kvHeads)`
/// @param kvHeads key and value heads
/// @param headDim elements of a head, even
/// @param usesRope whether queries and keys are rotated by their position
/// @param normalizesHeads whether query and key heads are divided by their root mean square, after
///     rope and without a weight
/// @param temperature how queries grow with their position
/// @param chunk tokens of an attention chunk: a query sees only keys of its own chunk; 0 for all
///     earlier keys
public record AttentionSpec(
    int heads,
    int kvHeads,
    int headDim,
    boolean usesRope,
    boolean normalizesHeads,
    Temperature temperature,
    int chunk) {

  /// True where keys of earlier chunks are never seen again.
  public boolean isChunked() {
    return chunk > 0;
  }

  /// Elements of all query heads.
  public int queryWidth() {
    return heads * headDim;
  }

  /// Elements of all key heads, and of all value heads.
  public int kvWidth() {
    return kvHeads * headDim;
  }

  /// The first position that the query at `position` may see.
  public int firstVisible(int position) {
    return isChunked() ? position - position % chunk : 0;
  }
}
