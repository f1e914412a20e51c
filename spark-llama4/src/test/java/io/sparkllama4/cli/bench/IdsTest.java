package io.sparkllama4.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/// The prompts are those that the generator gives in arithmetic without a word size: computed in
/// Python with `% 2**64`.
class IdsTest {
  @Test
  void promptsAreThoseOfOtherBenchmarks() {
    Ids ids = new Ids(32_000);

    assertThat(ids.prefill(4)).containsExactly(2774, 24153, 21196, 16870);
    assertThat(ids.prefix(4)).containsExactly(21740, 19882, 24456, 28504);
    assertThat(ids.sequence(7, 4)).containsExactly(17367, 7850, 31362, 21771);
    assertThat(new Ids(202_048).row(3, 4)).containsExactly(111661, 156837, 38255, 146041);
  }

  @Test
  void labelsDiffer() {
    Ids ids = new Ids(32_000);

    for (int label = 1; label < 8; label++) {
      assertThat(ids.label(label, 4)).isNotEqualTo(ids.label(label - 1, 4));
    }
  }
}
