package io.sparkllama4.backend.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/// Checks in turn: what fails, what is skipped and why.
class CheckRunTest {
  private static final long SECOND = 1_000_000_000L;

  private final AtomicLong clock = new AtomicLong();
  private final List<CheckResult> told = new ArrayList<>();

  private CheckRun run(Optional<String> lost) {
    return new CheckRun(new CheckRun.Limit(clock::get, 10), told::add, lost);
  }

  private static List<Finding.Status> statuses(CheckRun run) {
    return run.results().stream().map(result -> result.finding().status()).toList();
  }

  @Test
  void failuresStopNoOtherCheck() {
    CheckRun run = run(Optional.empty());
    run.check("throws", () -> Finding.passed("").with("x", Integer.parseInt("x")));
    run.check("wrong", () -> Finding.that(false, "2 is not 3"));
    run.check(
        "right",
        () -> {
          clock.addAndGet(2 * SECOND);
          return Finding.passed("3 is 3").with("three", 3);
        });
    assertThat(statuses(run))
        .containsExactly(Finding.Status.FAILED, Finding.Status.FAILED, Finding.Status.PASSED);
    assertThat(run.results().getFirst().finding().text())
        .contains("NumberFormatException")
        .contains(" at java");
    CheckResult last = run.results().getLast();
    assertThat(last.name()).isEqualTo("right");
    assertThat(last.seconds()).isEqualTo(2);
    assertThat(last.finding().figures()).containsEntry("three", 3.0);
    assertThat(told).isEqualTo(run.results());
  }

  @Test
  void checksForWhichThereIsNoTimeAreSkipped() {
    CheckRun run = run(Optional.empty());
    run.check("long", 11, () -> Finding.passed("never"));
    run.check("short", 9, () -> Finding.passed("in time"));
    clock.addAndGet(10 * SECOND);
    run.check("late", () -> Finding.passed("never"));
    assertThat(statuses(run))
        .containsExactly(Finding.Status.SKIPPED, Finding.Status.PASSED, Finding.Status.SKIPPED);
    assertThat(run.results().getFirst().finding().text())
        .contains("10 of 10 s are left", "11 at least", "--seconds");
    assertThat(run.results().getLast().finding().text()).contains("0 of 10 s are left");
  }

  @Test
  void nothingIsAskedOfALostDevice() {
    CheckRun run = run(Optional.empty());
    List<String> losses = new ArrayList<>();
    run.watch(() -> losses.stream().findFirst());
    run.check(
        "loses",
        () -> {
          losses.add("error 700");
          return Finding.failed("error 700");
        });
    run.check("after", () -> Finding.passed("never"));
    run.giveBack(
        "closing",
        () -> {
          throw new IllegalStateException("the device is lost");
        });
    assertThat(statuses(run)).containsExactly(Finding.Status.FAILED, Finding.Status.SKIPPED);
    assertThat(run.results().getLast().finding().text()).contains("lost: error 700");
    CheckRun next = run(run.loss());
    next.check("next", () -> Finding.passed("never"));
    assertThat(statuses(next)).containsExactly(Finding.Status.SKIPPED);
  }

  @Test
  void whatCannotBeGivenBackIsAFailure() {
    CheckRun run = run(Optional.empty());
    run.giveBack("right", () -> {});
    run.giveBack(
        "wrong",
        () -> {
          throw new IllegalStateException("still used");
        });
    assertThat(statuses(run)).containsExactly(Finding.Status.FAILED);
    assertThat(run.results().getFirst().finding().text()).contains("still used");
  }

  @Test
  void figuresAreNumbers() {
    assertThatThrownBy(() -> Finding.passed("").with("speed", Double.NaN))
        .hasMessageContaining("speed");
    assertThatThrownBy(() -> Finding.passed("").with("speed", Double.POSITIVE_INFINITY))
        .hasMessageContaining("speed");
  }

  @Test
  void comparisonsSeeWhatIsNoNumberAndWhatIsMissing() {
    Comparison broken = new Comparison();
    broken.number("x", 4, Double.NaN, 1, 0.5);
    broken.number("x", 5, 1.4, 1, 0.5);
    Finding finding = broken.finding();
    assertThat(finding.status()).isEqualTo(Finding.Status.FAILED);
    assertThat(finding.text()).contains("1 of 2", "x [4] is NaN where 1.0 is right");
    assertThat(finding.figures().get("largest_error")).isBetween(0.39, 0.41);
    assertThat(new Comparison().finding().status()).isEqualTo(Finding.Status.FAILED);
    Comparison right = new Comparison();
    right.number("x", 0, 1.25, 1, 0.5);
    right.number("x", 1, 0, 0, 0);
    assertThat(right.finding().status()).isEqualTo(Finding.Status.PASSED);
    assertThat(right.finding().figures()).containsEntry("share_of_bound", 0.5);
  }
}
