package io.sparkllama4.engine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// When tokens are guessed.
class SpeculationTest {
  /// A row whose tokens repeat, so that there is always something to guess.
  private static Sequence row(int maxTokens) {
    SamplingParams d = SamplingParams.DEFAULT;
    SamplingParams params =
        new SamplingParams(
            maxTokens, 0, 1, 0, 0, 0, 0, 1, 0, d.stopTexts(), d.stopIds(), true, d.logprobs());
    Submission submission = new Submission("q", 1, () -> {});
    return new Sequence(submission, 0, new int[20], new PromptBatch.Generate(params));
  }

  private static int drafts(Speculation speculation, int rows, boolean isNarrow) {
    Sequence sequence = row(100);
    speculation.plan(rows, isNarrow);
    speculation.draft(sequence, 100);
    return sequence.drafts().size();
  }

  /// Runs steps of `rows` rows, one draft each where there are any; returns how many had drafts.
  private static int run(
      Speculation speculation, int rows, int steps, long plain, long drafted, int accepted) {
    int count = 0;
    for (int i = 0; i < steps; i++) {
      if (drafts(speculation, rows, true) > 0) {
        speculation.learn(rows, 2 * rows, rows + accepted, drafted);
        count++;
      } else {
        speculation.learn(rows, rows, rows, plain);
      }
    }
    return count;
  }

  @ParameterizedTest
  @CsvSource({
    // A step of two tokens takes little longer than one of one, and half of the guesses are right.
    "1, 100, 120, 1, true",
    "8, 100, 140, 4, true",
    // Guesses are wrong, or cost what they save.
    "1, 100, 110, 0, false",
    "64, 100, 190, 32, false",
    "8, 100, 160, 4, false"
  })
  void isUsedWhereItIsFaster(int rows, long plain, long drafted, int accepted, boolean pays) {
    Speculation speculation = new Speculation(SpeculationMode.AUTO, 1000);
    int used = run(speculation, rows, 1000, plain, drafted, accepted);
    if (pays) {
      assertThat(used).isGreaterThan(900);
    } else {
      assertThat(used).isBetween(10, 80);
    }
  }

  @Test
  void followsWhatChanges() {
    Speculation speculation = new Speculation(SpeculationMode.AUTO, 1000);
    assertThat(run(speculation, 4, 500, 100, 130, 0)).isLessThan(60);
    assertThat(run(speculation, 4, 1000, 100, 130, 3)).isGreaterThan(700);
    assertThat(run(speculation, 4, 1000, 100, 130, 0)).isLessThan(60);
  }

  /// The first steps of a process take long, whatever they do.
  @Test
  void slowBeginningsAndSingleStepsDoNotMislead() {
    Speculation slowPlain = new Speculation(SpeculationMode.AUTO, 1000);
    run(slowPlain, 1, 4, 100_000, 100_000, 0);
    assertThat(run(slowPlain, 1, 500, 100, 190, 0)).isLessThan(150);
    Speculation slowDrafted = new Speculation(SpeculationMode.AUTO, 1000);
    run(slowDrafted, 1, 8, 100, 100_000, 1);
    assertThat(run(slowDrafted, 1, 500, 100, 110, 1)).isGreaterThan(350);
    run(slowDrafted, 1, 1, 100_000, 100_000, 0);
    assertThat(run(slowDrafted, 1, 100, 100, 110, 1)).isGreaterThan(80);
  }

  @Test
  void eachWidthIsMeasuredOnItsOwn() {
    Speculation speculation = new Speculation(SpeculationMode.AUTO, 1000);
    assertThat(run(speculation, 64, 500, 100, 190, 16)).isLessThan(60);
    assertThat(run(speculation, 1, 500, 100, 110, 1)).isGreaterThan(430);
    assertThat(run(speculation, 64, 500, 100, 190, 16)).isLessThan(60);
  }

  @Test
  void stepsWithPromptsGuessNothingUnlessTold() {
    Speculation speculation = new Speculation(SpeculationMode.AUTO, 1000);
    run(speculation, 1, 100, 100, 110, 1);
    assertThat(drafts(speculation, 1, true)).isPositive();
    assertThat(drafts(speculation, 1, false)).isZero();
    assertThat(drafts(new Speculation(SpeculationMode.ON, 1000), 1, false)).isPositive();
    assertThat(drafts(new Speculation(SpeculationMode.OFF, 1000), 1, true)).isZero();
  }

  @Test
  void nothingIsGuessedBehindTheEnd() {
    SpeculationMode mode = SpeculationMode.ON;
    for (int room = 1; room < 5; room++) {
      Speculation byTokens = new Speculation(mode, 1000);
      byTokens.plan(1, true);
      Sequence sequence = row(room);
      byTokens.draft(sequence, 100);
      assertThat(sequence.drafts().size()).isEqualTo(room - 1);
      Speculation byPositions = new Speculation(mode, 20 + room);
      byPositions.plan(1, true);
      Sequence other = row(100);
      byPositions.draft(other, 100);
      assertThat(other.drafts().size()).isEqualTo(room - 1);
    }
  }
}
