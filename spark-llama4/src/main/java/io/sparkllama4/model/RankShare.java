package io.sparkllama4.model;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.Placement;
import io.sparkllama4.backend.Span;
import io.sparkllama4.backend.StepBuffers;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import java.util.ArrayList;
import java.util.List;

/// The part of a decoder that one of the ranks holds and computes that share it: attention by
/// heads, gated networks by their hidden elements, mixtures by experts, the head by tokens of the
/// vocabulary.
///
/// | weight | placement |
/// |---|---|
/// | query | rows of some query heads |
/// | key, value | rows of the key heads that these read, on several ranks where these are more |
/// | attention's output | columns of the same query heads |
/// | gate, up | rows of some hidden elements |
/// | down | columns of the same |
/// | routed experts | whole experts |
/// | head | rows of some tokens |
/// | embedding, norms, router, inverse frequencies | replicated |
///
/// @param whole the decoder
/// @param rank which of the ranks, counted from 0
/// @param ranks how many share it
public record RankShare(DecoderSpec whole, int rank, int ranks) {
  /// Widths are cut at multiples of this where they can be: no group of quantised weights, and no
  /// panel, then lies on two ranks.
  private static final int BEST_UNIT = 128;

  private static final int WORD_UNIT = 8;
  private static final int PANEL_UNIT = 16;

  /// @throws IllegalArgumentException where there is no such rank
  public RankShare {
    if (rank < 0 || rank >= ranks) {
      throw new IllegalArgumentException("Rank " + rank + " of " + ranks);
    }
  }

  /// All of a decoder on its only rank.
  public static RankShare whole(DecoderSpec spec) {
    return new RankShare(spec, 0, 1);
  }

  /// The shares of `ranks` ranks.
  ///
  /// @throws Llama4Exception with INVALID_OPTION where there would be none, UNSUPPORTED_FEATURE
  ///     where a rank would have nothing to do
  public static List<RankShare> of(DecoderSpec spec, int ranks) {
    if (ranks < 1) {
      throw ErrorReport.of(ErrorCode.INVALID_OPTION, "Option --ranks cannot be [" + ranks + "]")
          .found(ranks, "at least 1")
          .key("--ranks")
          .exception();
    }
    if (!fits(spec, ranks)) {
      throw tooMany(spec, ranks);
    }
    List<RankShare> shares = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      shares.add(new RankShare(spec, rank, ranks));
    }
    return List.copyOf(shares);
  }

  private static Llama4Exception tooMany(DecoderSpec spec, int ranks) {
    int most = 1;
    while (fits(spec, most + 1)) {
      most++;
    }
    StringBuilder parts = new StringBuilder();
    AttentionSpec attention = spec.layers().getFirst().attention();
    parts.append(attention.heads()).append(" query heads in groups of ");
    parts.append(attention.heads() / attention.kvHeads());
    for (LayerSpec layer : spec.layers()) {
      if (layer.feedForward() instanceof LayerSpec.Mixture mixture) {
        parts.append(" and ").append(mixture.experts()).append(" experts");
        break;
      }
    }
    return ErrorReport.of(
            ErrorCode.UNSUPPORTED_FEATURE,
            "Cannot share the model among [" + ranks + "] ranks: it has " + parts)
        .found(ranks, "1 to " + most)
        .key("--ranks")
        .exception();
  }

  /// Whether every rank gets something of every layer.
  private static boolean fits(DecoderSpec spec, int ranks) {
    for (LayerSpec layer : spec.layers()) {
      // The ranks that share a key head share its query heads, so that each reads one key head.
      AttentionSpec attention = layer.attention();
      int sharers = Math.ceilDiv(ranks, attention.kvHeads());
      boolean fits =
          sharers <= attention.heads() / attention.kvHeads()
              && switch (layer.feedForward()) {
                case LayerSpec.Dense(int width) -> ranks <= width;
                case LayerSpec.Mixture mixture ->
                    ranks <= mixture.experts() && ranks <= mixture.sharedWidth();
              };
      if (!fits) {
        return false;
      }
    }
    return ranks <= Math.ceilDiv(spec.vocabulary(), PANEL_UNIT);
  }

  /// The decoder as this rank computes it: its heads and widths alone, and all of the vocabulary.
  public DecoderSpec spec() {
    if (ranks == 1) {
      return whole;
    }
    List<LayerSpec> layers = new ArrayList<>();
    for (LayerSpec layer : whole.layers()) {
      layers.add(
          new LayerSpec(
              attention(layer.attention()),
              layer.attentionBias(),
              switch (layer.feedForward()) {
                case LayerSpec.Dense(int width) -> new LayerSpec.Dense(width(width).count());
                case LayerSpec.Mixture mixture ->
                    new LayerSpec.Mixture(
                        mixture.experts(),
                        mixture.chosen(),
                        mixture.expertWidth(),
                        width(mixture.sharedWidth()).count());
              }));
    }
    return new DecoderSpec(
        whole.architecture(),
        whole.vocabulary(),
        whole.hidden(),
        whole.normEpsilon(),
        whole.maxPositions(),
        whole.tiedEmbedding(),
        whole.rotary(),
        layers);
  }

  /// The sizes of a step's scratch memory. The first rank, which samples, has all logits as well as
  /// those that it makes.
  public StepBuffers.Sizes bufferSizes() {
    StepBuffers.Sizes sizes = spec().bufferSizes();
    return ranks == 1
        ? sizes
        : sizes.withLogits(rank == 0 ? whole.vocabulary() : 0, vocabulary().count());
  }

  /// What this rank does of a layer's attention.
  AttentionSpec attention(AttentionSpec all) {
    if (ranks == 1) {
      return all;
    }
    return new AttentionSpec(
        queryHeads(all).count(),
        kvHeads(all).count(),
        all.headDim(),
        all.usesRope(),
        all.normalizesHeads(),
        all.temperature(),
        all.chunk());
  }

  /// The key and value heads of this rank.
  public Span kvHeads(AttentionSpec all) {
    if (ranks <= all.kvHeads()) {
      return part(all.kvHeads());
    }
    int head = (int) ((long) rank * all.kvHeads() / ranks);
    return new Span(head, head + 1);
  }

  /// The query heads of this rank: those that read its key heads, or a part of them where other
  /// ranks have the same key head.
  public Span queryHeads(AttentionSpec all) {
    int group = all.heads() / all.kvHeads();
    Span kv = kvHeads(all);
    if (ranks <= all.kvHeads()) {
      return kv.times(group);
    }
    int first = Math.ceilDiv(kv.first() * ranks, all.kvHeads());
    int sharers = Math.ceilDiv(kv.end() * ranks, all.kvHeads()) - first;
    Span part = new RankShare(whole, rank - first, sharers).part(group);
    return new Span(kv.first() * group + part.first(), kv.first() * group + part.end());
  }

  /// The hidden elements of a gated network of `width` that are this rank's.
  public Span width(int width) {
    int unit = unit(width);
    Span units = part(Math.ceilDiv(width, unit));
    return new Span(units.first() * unit, Math.min(width, units.end() * unit));
  }

  /// What widths are counted in: so much that no group of weights is cut, where all ranks get the
  /// same; else whole panels, where there is one for each.
  private int unit(int width) {
    for (int unit = BEST_UNIT; unit >= WORD_UNIT; unit /= 2) {
      if (width % ((long) unit * ranks) == 0) {
        return unit;
      }
    }
    return Math.ceilDiv(width, PANEL_UNIT) >= ranks ? PANEL_UNIT : 1;
  }

  /// The experts of `count` that this rank holds.
  public Span experts(int count) {
    return part(count);
  }

  /// The tokens of the vocabulary whose logits this rank makes.
  public Span vocabulary() {
    Span panels = part(Math.ceilDiv(whole.vocabulary(), PANEL_UNIT));
    return new Span(
        panels.first() * PANEL_UNIT, Math.min(whole.vocabulary(), panels.end() * PANEL_UNIT));
  }

  private Span part(int count) {
    return new Span((int) ((long) rank * count / ranks), (int) ((rank + 1L) * count / ranks));
  }

  /// Where the projection to queries lies.
  Placement query(AttentionSpec all) {
    return rows(queryHeads(all).times(all.headDim()));
  }

  /// Where the projections to keys and to values lie.
  Placement keyValue(AttentionSpec all) {
    return rows(kvHeads(all).times(all.headDim()));
  }

  /// Where the projection out of attention lies.
  Placement output(AttentionSpec all) {
    return columns(queryHeads(all).times(all.headDim()));
  }

  /// Where gate and up of a network lie that every token passes.
  Placement gateUp(int width) {
    return rows(width(width));
  }

  /// Where its down-projection lies.
  Placement down(int width) {
    return columns(width(width));
  }

  /// Where the head lies.
  Placement head() {
    return rows(vocabulary());
  }

  private Placement rows(Span outputs) {
    return ranks == 1 ? Placement.replicated() : new Placement.Rows(outputs);
  }

  private Placement columns(Span inputs) {
    return ranks == 1 ? Placement.replicated() : new Placement.Columns(inputs);
  }
}
