package io.sparkllama4.plans;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.Predicate;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A failing query becomes a small one that still fails.
class ShrinkerTest {
  private static final int ATTEMPTS = 2000;

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
  void whatHasNothingToDoWithTheFailureGoes(long seed) {
    Piece.Node query = PlanGenerator.draw(seed);
    Predicate<String> fails = sql -> sql.contains("llama4_generate(");
    String small = Shrinker.shrink(query, fails, ATTEMPTS);
    assertThat(fails.test(small)).as(small).isTrue();
    assertThat(small.length()).as(small).isLessThanOrEqualTo(query.sql().length());
    // One call is left, and no clause that the call does not stand in.
    assertThat(small.split("llama4_generate[(]", -1)).as(small).hasSize(2);
    assertThat(Shrinker.shrink(query, sql -> false, ATTEMPTS)).isEqualTo(query.sql());
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void attemptsAreBounded(long seed) {
    int[] tried = {0};
    Shrinker.shrink(
        PlanGenerator.draw(seed),
        sql -> {
          tried[0]++;
          return false;
        },
        5);
    assertThat(tried[0]).isBetween(1, 5);
  }
}
