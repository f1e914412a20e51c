package io.sparkllama4.runtime.plan;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.model.DecoderSpec;
import io.sparkllama4.model.LayerSpec;

/// What lies on the fullest of the GPUs that share a model: all of it where there is one.
///
/// Attention, shared experts, dense layers, head and embedding are cut by rows and columns (tensor
/// parallelism), experts are dealt out whole (expert parallelism). Where a number does not divide,
/// the fullest GPU has the larger part.
///
/// @param experts matrices of the routed experts
/// @param shared matrices of the shared experts
/// @param attention projections of attention
/// @param dense matrices of layers without experts
/// @param head matrix of the logits
/// @param embedding table of embeddings; nothing where the head is the same table
/// @param other weights of routers, norms and biases, which every GPU has
/// @param routed how many routed experts a layer has, and how many of them are here
record ModelShare(
    Matrices experts,
    Matrices shared,
    Matrices attention,
    Matrices dense,
    Matrices head,
    Matrices embedding,
    long other,
    Experts routed) {

  /// The routed experts of a layer.
  ///
  /// @param count of the model
  /// @param here of those the ones on this GPU
  /// @param chosen that a token passes through
  record Experts(int count, int here, int chosen) {
    /// The part of them that a step of `tokens` tokens reads, where each is equally likely.
    double read(long tokens) {
      return count == 0 ? 0 : 1 - Math.pow(1 - (double) chosen / count, (double) tokens);
    }

    /// The part of them that one token passes through.
    double passed() {
      return count == 0 ? 0 : (double) chosen / count;
    }
  }

  /// The fullest share among `gpus`.
  static ModelShare of(DecoderSpec spec, int gpus) {
    var sizes = spec.bufferSizes();
    Experts routed =
        new Experts(sizes.experts(), Math.ceilDiv(sizes.experts(), gpus), sizes.chosen());
    long hidden = spec.hidden();
    Matrices experts = Matrices.NONE;
    Matrices shared = Matrices.NONE;
    Matrices attention = Matrices.NONE;
    Matrices dense = Matrices.NONE;
    long other = hidden;
    for (LayerSpec layer : spec.layers()) {
      attention = attention.plus(attention(layer.attention(), hidden, gpus));
      other += 2 * hidden + biases(layer, hidden, gpus);
      switch (layer.feedForward()) {
        case LayerSpec.Dense(int width) ->
            dense = dense.plus(Matrices.gated(hidden, Math.ceilDiv(width, gpus)));
        case LayerSpec.Mixture mixture -> {
          long here = Math.ceilDiv(mixture.experts(), gpus);
          experts = experts.plus(Matrices.gated(hidden, mixture.expertWidth()).times(here));
          shared = shared.plus(Matrices.gated(hidden, Math.ceilDiv(mixture.sharedWidth(), gpus)));
          other += hidden * mixture.experts();
        }
      }
    }
    Matrices table = Matrices.of(Math.ceilDiv(spec.vocabulary(), gpus), hidden);
    return new ModelShare(
        experts,
        shared,
        attention,
        dense,
        table,
        spec.tiedEmbedding() ? Matrices.NONE : table,
        other,
        routed);
  }

  /// Key heads on the fullest GPU. A key head is not cut: with more GPUs than key heads several
  /// have the same.
  static int kvHeads(AttentionSpec attention, int gpus) {
    return Math.ceilDiv(attention.kvHeads(), gpus);
  }

  /// Query heads on the fullest GPU: those of its key heads, or its part of those of one key head.
  static int queryHeads(AttentionSpec attention, int gpus) {
    int group = attention.heads() / attention.kvHeads();
    return gpus <= attention.kvHeads()
        ? kvHeads(attention, gpus) * group
        : Math.ceilDiv(group, gpus / attention.kvHeads());
  }

  private static Matrices attention(AttentionSpec attention, long hidden, int gpus) {
    long queries = (long) queryHeads(attention, gpus) * attention.headDim();
    long keys = (long) kvHeads(attention, gpus) * attention.headDim();
    return Matrices.of(queries + 2 * keys, hidden).plus(Matrices.of(hidden, queries));
  }

  private static long biases(LayerSpec layer, long hidden, int gpus) {
    if (!layer.attentionBias()) {
      return 0;
    }
    AttentionSpec attention = layer.attention();
    int heads = queryHeads(attention, gpus) + 2 * kvHeads(attention, gpus);
    return (long) heads * attention.headDim() + hidden;
  }

  /// Weights that one token is multiplied with on this GPU; of the routed experts the mean.
  double activeElements() {
    return experts.elements() * routed.passed()
        + shared.elements()
        + attention.elements()
        + dense.elements()
        + head.elements()
        + other;
  }

  /// All weights.
  long elements() {
    return experts.elements()
        + shared.elements()
        + attention.elements()
        + dense.elements()
        + head.elements()
        + embedding.elements()
        + other;
  }
}
