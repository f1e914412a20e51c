package io.sparkllama4.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.Span;
import io.sparkllama4.backend.Temperature;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.Llama4Exception;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Who holds what: everything once, key heads as often as ranks read them.
class RankShareTest {
  private static DecoderSpec spec(int heads, int kvHeads, LayerSpec.FeedForwardSpec network) {
    AttentionSpec attention =
        new AttentionSpec(heads, kvHeads, 8, true, false, Temperature.NONE, 0);
    return new DecoderSpec(
        "llama4",
        1000,
        64,
        1e-5f,
        128,
        false,
        new Rotary(10_000, new Rotary.Unscaled()),
        List.of(new LayerSpec(attention, false, network)));
  }

  private static void coverOnce(List<Span> spans, int count) {
    int next = 0;
    for (Span span : spans) {
      assertThat(span.first()).isEqualTo(next);
      assertThat(span.count()).isPositive();
      next = span.end();
    }
    assertThat(next).isEqualTo(count);
  }

  @ParameterizedTest
  @CsvSource({
    "40,8,1", "40,8,2", "40,8,4", "40,8,8", "40,8,16", "40,8,40", "40,8,3", "10,2,4", "10,2,3",
    "10,2,10", "4,4,3", "5,1,4"
  })
  void everyQueryHeadIsOnOneRankWithItsKeyHead(int heads, int kvHeads, int ranks) {
    DecoderSpec spec = spec(heads, kvHeads, new LayerSpec.Mixture(128, 1, 100, 200));
    AttentionSpec all = spec.layers().getFirst().attention();
    List<RankShare> shares = RankShare.of(spec, ranks);
    assertThat(shares).hasSize(ranks);
    coverOnce(shares.stream().map(share -> share.queryHeads(all)).toList(), heads);
    for (RankShare share : shares) {
      AttentionSpec own = share.spec().layers().getFirst().attention();
      Span queries = share.queryHeads(all);
      Span keys = share.kvHeads(all);
      assertThat(own.heads()).isEqualTo(queries.count());
      assertThat(own.kvHeads()).isEqualTo(keys.count());
      assertThat(own.heads() % own.kvHeads()).isZero();
      for (int head = 0; head < own.heads(); head++) {
        int read = keys.first() + head / (own.heads() / own.kvHeads());
        assertThat(read).isEqualTo((queries.first() + head) / (heads / kvHeads));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"8192,8", "16384,4", "112,2", "112,4", "48,4", "128,4", "200,3", "5,5", "1000,7"})
  void widthsAreCutOnce(int width, int ranks) {
    DecoderSpec spec = spec(ranks, ranks, new LayerSpec.Dense(width));
    List<Span> spans = RankShare.of(spec, ranks).stream().map(share -> share.width(width)).toList();
    coverOnce(spans, width);
    if (width % (128 * ranks) == 0) {
      assertThat(spans).allMatch(span -> span.count() == width / ranks && span.first() % 128 == 0);
    }
  }

  @Test
  void expertsAndVocabularyAreCutOnce() {
    DecoderSpec spec = spec(8, 8, new LayerSpec.Mixture(6, 2, 100, 200));
    for (int ranks = 1; ranks <= 6; ranks++) {
      List<RankShare> shares = RankShare.of(spec, ranks);
      coverOnce(shares.stream().map(share -> share.experts(6)).toList(), 6);
      coverOnce(shares.stream().map(RankShare::vocabulary).toList(), 1000);
    }
  }

  @Test
  void oneRankHasEverything() {
    DecoderSpec spec = spec(8, 2, new LayerSpec.Dense(112));
    RankShare share = RankShare.of(spec, 1).getFirst();
    assertThat(share.spec()).isSameAs(spec);
    assertThat(share.bufferSizes()).isEqualTo(spec.bufferSizes());
  }

  @ParameterizedTest
  @CsvSource({"10,2,6,11,6", "10,2,6,7,6", "10,2,128,11,10", "4,2,16,5,4", "4,2,16,64,4"})
  void moreRanksThanPartsAreRefused(int heads, int kvHeads, int experts, int ranks, int most) {
    DecoderSpec spec = spec(heads, kvHeads, new LayerSpec.Mixture(experts, 1, 100, 200));
    assertThatThrownBy(() -> RankShare.of(spec, ranks))
        .isInstanceOfSatisfying(
            Llama4Exception.class,
            refused -> {
              assertThat(refused.code()).isEqualTo(ErrorCode.UNSUPPORTED_FEATURE);
              assertThat(refused.report().key()).isEqualTo("--ranks");
              assertThat(refused.report().found()).isEqualTo(Integer.toString(ranks));
              assertThat(refused.report().expected()).isEqualTo("1 to " + most);
            });
    assertThat(RankShare.of(spec, most)).hasSize(most);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1})
  void noRankIsNoChoice(int ranks) {
    DecoderSpec spec = spec(4, 2, new LayerSpec.Dense(112));
    assertThatThrownBy(() -> RankShare.of(spec, ranks))
        .isInstanceOfSatisfying(
            Llama4Exception.class,
            refused -> assertThat(refused.code()).isEqualTo(ErrorCode.INVALID_OPTION));
  }
}
