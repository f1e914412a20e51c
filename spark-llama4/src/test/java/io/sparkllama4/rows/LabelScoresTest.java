package io.sparkllama4.rows;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.engine.TokenLogprob;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Which label wins.
class LabelScoresTest {
  private static final List<String> NAMES = List.of("one", "two words", "another");

  /// The label that wins where labels have 1, 2 and 1 tokens of these log-probabilities.
  private static String best(boolean perToken, double... logprobs) {
    List<TokenLogprob> tokens = new ArrayList<>();
    for (double logprob : logprobs) {
      tokens.add(new TokenLogprob(0, (float) logprob, List.of()));
    }
    return new LabelScores(NAMES, List.of(1, 2, 1), perToken).best(tokens);
  }

  @Test
  void theHighestTotal() {
    assertThat(best(false, -3, -1, -1, -4)).isEqualTo("two words");
    assertThat(best(false, -1.5, -1, -1, -4)).isEqualTo("one");
    assertThat(best(false, -3, -1, -1.5, -0.5)).isEqualTo("another");
  }

  @Test
  void orTheHighestPerToken() {
    assertThat(best(true, -1.5, -1, -1, -4)).isEqualTo("two words");
    assertThat(best(true, -1.5, -1, -2.5, -4)).isEqualTo("one");
  }

  @Test
  void theFirstOnATie() {
    assertThat(best(false, -2, -1, -1, -2)).isEqualTo("one");
    assertThat(best(true, -1, -1, -1, -1)).isEqualTo("one");
    assertThat(best(false, -3, -1, -1, -2)).isEqualTo("two words");
    double impossible = Double.NEGATIVE_INFINITY;
    assertThat(best(false, impossible, impossible, -1, impossible)).isEqualTo("one");
  }
}
