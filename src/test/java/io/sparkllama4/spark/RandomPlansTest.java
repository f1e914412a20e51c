package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.plans.Piece;
import io.sparkllama4.plans.PlanGenerator;
import io.sparkllama4.plans.Shrinker;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// Queries of random shape give the rows that they give over looked-up answers, with adaptive
/// execution, code generation and broadcast joins on and off in turn.
///
/// A failing query is made small and printed; put it into `src/test/resources/plans`, where
/// `KeptPlansTest` runs it from then on. `-Dplans.seed=N` and `-Dplans.count=N` draw others.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RandomPlansTest {
  private static final long FIXED_SEED = 4;
  private static final int ATTEMPTS = 80;

  /// So many failing queries are made small; the others are printed as they were drawn.
  private static final int SHRUNK = Integer.getInteger("plans.shrunk", 6);

  private PlanCheck check;

  @BeforeAll
  void start() {
    check = PlanCheck.start();
  }

  @AfterAll
  void stop() {
    check.close();
  }

  @Test
  void someShapes() {
    run(Long.getLong("plans.seed", FIXED_SEED), Integer.getInteger("plans.count", 40));
  }

  @Test
  @Tag("full")
  void manyShapes() {
    run(FIXED_SEED + 1, 400);
  }

  @Test
  @Tag("full")
  void shapesOfTheDay() {
    long day = LocalDate.now(ZoneOffset.UTC).toEpochDay();
    run(day, 100);
  }

  private void run(long seed, int plans) {
    List<String> failures = new ArrayList<>();
    List<String> invalid = new ArrayList<>();
    int refused = 0;
    for (int i = 0; i < plans; i++) {
      Piece.Node query = PlanGenerator.draw(seed * 1_000_003 + i);
      switch (check.check(query.sql(), i)) {
        case PlanCheck.Equal _ -> {}
        case PlanCheck.Refused _ -> refused++;
        case PlanCheck.Invalid(String message) -> invalid.add(message + "\n" + query.sql());
        case PlanCheck.Failed failed ->
            failures.add(
                "%s (settings %d): %s%n%s"
                    .formatted(
                        failed.kind(),
                        i % PlanSettings.COMBINATIONS,
                        failed.message(),
                        failures.size() < SHRUNK ? smaller(query, i, failed) : query.sql()));
      }
    }
    String summary =
        "seed %d: %d plans, %d refused as documented, %d not taken by Spark, %d failed"
            .formatted(seed, plans, refused, invalid.size(), failures.size());
    System.out.println(summary);
    assertThat(failures).as("%s%n%s", summary, String.join("\n\n", failures)).isEmpty();
    // Spark has limits of its own; where it refuses many queries, little is tested.
    assertThat(invalid)
        .as("%s%n%s", summary, String.join("\n\n", invalid))
        .hasSizeLessThanOrEqualTo(plans / 10);
    assertThat(refused).as(summary).isLessThanOrEqualTo(plans / 4);
  }

  private String smaller(Piece.Node query, int settings, PlanCheck.Failed failed) {
    return Shrinker.shrink(
        query,
        sql ->
            check.check(sql, settings) instanceof PlanCheck.Failed other
                && other.kind().equals(failed.kind()),
        ATTEMPTS);
  }
}
