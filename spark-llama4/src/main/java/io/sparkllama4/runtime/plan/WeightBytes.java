package io.sparkllama4.runtime.plan;

/// Memory of weights on a GPU, in bytes, by what they are.
///
/// @param experts routed experts
/// @param shared shared experts
/// @param attention projections of attention
/// @param dense layers without experts
/// @param head matrix of the logits
/// @param embedding table of embeddings
/// @param other routers, norms and biases
/// @param vision image encoder and projector
/// @param host the table of embeddings in the host's memory; no part of the total
public record WeightBytes(
    long experts,
    long shared,
    long attention,
    long dense,
    long head,
    long embedding,
    long other,
    long vision,
    long host) {
  private static final int BFLOAT_BYTES = 2;

  /// The weights of `share` in the form `dtype`, with an image encoder of `visionParameters`
  /// weights, which stays in bf16 and whole on every GPU.
  static WeightBytes of(ModelShare share, WeightDtype dtype, long visionParameters) {
    return new WeightBytes(
        dtype.networks().bytes(share.experts()),
        dtype.networks().bytes(share.shared()),
        dtype.attention().bytes(share.attention()),
        dtype.networks().bytes(share.dense()),
        dtype.head().bytes(share.head()),
        dtype.embedding().bytes(share.embedding()),
        BFLOAT_BYTES * share.other(),
        BFLOAT_BYTES * visionParameters,
        dtype.embedding().hostBytes(share.embedding()));
  }

  /// All that lies on the GPU.
  public long total() {
    return everyStep() + experts + embedding + vision;
  }

  /// What every step reads, whichever experts it needs.
  long everyStep() {
    return shared + attention + dense + head + other;
  }
}
