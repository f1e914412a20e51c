package io.sparkllama4.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.error.ErrorCode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Who computes what in the next step.
class SchedulerTest {
  private final List<Sequence> failed = new ArrayList<>();
  private final List<ErrorCode> codes = new ArrayList<>();
  private KvBlocks blocks = new KvBlocks(Specs.layers(0), 0, 0, false);

  private Scheduler scheduler(int maxBatch, int prefillChunk, int kvTokens) {
    return scheduler(
        new EngineOptions(maxBatch, prefillChunk, kvTokens, false, SpeculationMode.OFF));
  }

  private Scheduler scheduler(EngineOptions options) {
    blocks = new KvBlocks(Specs.layers(0), options.kvTokens(), 0, options.prefixCache());
    return new Scheduler(
        options,
        blocks,
        new Speculation(options.speculation(), 1 << 20),
        (sequence, error) -> {
          failed.add(sequence);
          codes.add(error.code());
        });
  }

  private static Sequence added(Scheduler scheduler, String query, int tokens) {
    Sequence sequence = Specs.row(query, tokens);
    scheduler.add(sequence);
    return sequence;
  }

  /// Runs a step: what is planned is stored, and a sequence that is at its end says token 2.
  private StepPlan step(Scheduler scheduler) {
    StepPlan plan = scheduler.next();
    blocks.stored(plan.tokens());
    for (StepPlan.Slice slice : plan.slices()) {
      boolean reachesEnd = slice.reachesEnd();
      slice.sequence().commit(slice.count());
      blocks.settle(slice.sequence());
      if (reachesEnd) {
        slice.sequence().tokens().add(2);
      }
    }
    return plan;
  }

  private static List<Integer> counts(StepPlan plan) {
    return plan.slices().stream().map(StepPlan.Slice::count).toList();
  }

  private static List<Sequence> sequences(StepPlan plan) {
    return plan.slices().stream().map(StepPlan.Slice::sequence).toList();
  }

  @Test
  void promptsAreComputedInChunksAndRowsJoinAsTheyFit() {
    Scheduler scheduler = scheduler(2, 10, 1024);
    Sequence a = added(scheduler, "q", 25);
    Sequence b = added(scheduler, "q", 4);
    Sequence c = added(scheduler, "q", 3);
    StepPlan first = step(scheduler);
    assertThat(sequences(first)).containsExactly(a, b);
    assertThat(counts(first)).containsExactly(10, 4);
    StepPlan second = step(scheduler);
    assertThat(sequences(second)).as("who generates goes first").containsExactly(b, a);
    assertThat(counts(second)).containsExactly(1, 10);
    scheduler.remove(b);
    StepPlan third = step(scheduler);
    assertThat(sequences(third)).containsExactly(a, c);
    assertThat(counts(third)).containsExactly(5, 3);
    assertThat(third.slices().getFirst().start()).isEqualTo(20);
    assertThat(scheduler.preemptions()).isZero();
  }

  @Test
  void withoutChunksAPromptIsComputedAtOnce() {
    Scheduler scheduler = scheduler(8, 0, 8192);
    Sequence a = added(scheduler, "q", 3000);
    Sequence b = added(scheduler, "q", 5);
    assertThat(sequences(step(scheduler)))
        .as("a long one has the step for itself")
        .containsExactly(a);
    assertThat(sequences(step(scheduler))).containsExactly(a, b);
  }

  @Test
  void queriesTakeTurns() {
    Scheduler scheduler = scheduler(4, 10, 1024);
    Sequence a1 = added(scheduler, "a", 1);
    Sequence a2 = added(scheduler, "a", 1);
    added(scheduler, "a", 1);
    Sequence b1 = added(scheduler, "b", 1);
    Sequence b2 = added(scheduler, "b", 1);
    assertThat(sequences(step(scheduler))).containsExactly(a1, b1, a2, b2);
  }

  @Test
  void preemptsNewestSequenceWhenBlocksRunOutAndResumesItFirst() {
    Scheduler scheduler = scheduler(8, 0, 48);
    Sequence a = added(scheduler, "q", 16);
    Sequence b = added(scheduler, "q", 15);
    Sequence c = added(scheduler, "q", 15);
    assertThat(sequences(step(scheduler))).containsExactly(a, b, c);
    Sequence d = added(scheduler, "q", 1);
    StepPlan tight = step(scheduler);
    assertThat(sequences(tight))
        .as("a needs a second block, which c gives up")
        .containsExactly(a, b);
    assertThat(scheduler.preemptions()).isEqualTo(1);
    assertThat(c.computed()).isZero();
    assertThat(c.tokens().size()).as("what it has said stays").isEqualTo(16);
    assertThat(c.globalBlocks.isEmpty()).isTrue();
    scheduler.remove(a);
    StepPlan relaxed = step(scheduler);
    assertThat(sequences(relaxed)).as("c goes before d, which is newer").startsWith(b, c);
    assertThat(counts(relaxed).get(1)).isEqualTo(16);
    assertThat(sequences(relaxed)).doesNotContain(d);
    assertThat(failed).isEmpty();
  }

  @Test
  void aRowThatCanNeverFitFailsAndTheOthersGoOn() {
    Scheduler scheduler = scheduler(8, 0, 32);
    Sequence large = added(scheduler, "q", 33);
    Sequence small = added(scheduler, "q", 4);
    assertThat(sequences(step(scheduler))).containsExactly(small);
    assertThat(failed).containsExactly(large);
    assertThat(codes).containsExactly(ErrorCode.NOT_ENOUGH_MEMORY);
  }

  @Test
  void aRowThatOutgrowsTheWholeCacheFails() {
    Scheduler scheduler = scheduler(8, 0, 32);
    Sequence only = added(scheduler, "q", 31);
    step(scheduler);
    step(scheduler);
    assertThat(failed).isEmpty();
    assertThat(step(scheduler).isEmpty()).isTrue();
    assertThat(failed).containsExactly(only);
    assertThat(scheduler.hasWork()).isFalse();
    assertThat(blocks.canBegin(SharedPrefix.NONE, 32, 32)).as("its blocks are free").isTrue();
  }

  @Test
  void cancelledRowsAreDroppedWhereverTheyAre() {
    Scheduler scheduler = scheduler(1, 0, 64);
    Sequence running = added(scheduler, "q", 20);
    Sequence waiting = added(scheduler, "q", 20);
    Sequence last = added(scheduler, "q", 20);
    assertThat(sequences(step(scheduler))).containsExactly(running);
    running.submission().cancel();
    waiting.submission().cancel();
    assertThat(sequences(step(scheduler))).containsExactly(last);
    last.submission().cancel();
    assertThat(step(scheduler).isEmpty()).isTrue();
    assertThat(scheduler.hasWork()).isFalse();
    assertThat(blocks.canBegin(SharedPrefix.NONE, 64, 64)).isTrue();
  }

  @Test
  void rowsWhoseTimeIsUpFailWhereverTheyAre() {
    long[] now = {1000};
    blocks = new KvBlocks(Specs.layers(0), 96, 0, false);
    Scheduler scheduler =
        new Scheduler(
            new EngineOptions(2, 0, 96, false, SpeculationMode.OFF),
            blocks,
            new Speculation(SpeculationMode.OFF, 1 << 20),
            (sequence, error) -> {
              failed.add(sequence);
              codes.add(error.code());
            },
            () -> now[0]);
    Sequence running = Specs.row("q", 20);
    Sequence patient = Specs.row("q", 20);
    Sequence waiting = Specs.row("q", 20);
    Sequence last = Specs.row("q", 20);
    running.limitTime(1000, 50);
    patient.limitTime(1000, 51);
    waiting.limitTime(1000, 50);
    List.of(running, patient, waiting, last).forEach(scheduler::add);
    assertThat(sequences(step(scheduler))).containsExactly(running, patient);
    now[0] = 1049;
    assertThat(sequences(step(scheduler))).containsExactly(running, patient);
    assertThat(failed).isEmpty();
    now[0] = 1050;
    assertThat(sequences(step(scheduler))).containsExactly(patient, last);
    assertThat(failed).containsExactlyInAnyOrder(running, waiting);
    assertThat(codes).containsOnly(ErrorCode.TIMEOUT);
    assertThat(running.globalBlocks.isEmpty()).as("its blocks are free").isTrue();
    now[0] = Long.MIN_VALUE;
    scheduler.remove(patient);
    assertThat(sequences(step(scheduler))).as("no limit").containsExactly(last);
  }

  @Test
  void drainGivesEverythingBack() {
    Scheduler scheduler = scheduler(2, 0, 64);
    Sequence a = added(scheduler, "q", 20);
    Sequence b = added(scheduler, "q", 20);
    Sequence c = added(scheduler, "q", 20);
    step(scheduler);
    assertThat(scheduler.drain()).containsExactly(a, b, c);
    assertThat(scheduler.hasWork()).isFalse();
    assertThat(blocks.canBegin(SharedPrefix.NONE, 64, 64)).isTrue();
  }

  @Test
  void aStepHoldsNoMoreThanItsTokens() {
    Scheduler scheduler = scheduler(256, 512, 100_000);
    for (int i = 0; i < 10; i++) {
      added(scheduler, "q", 500);
    }
    StepPlan plan = step(scheduler);
    assertThat(plan.tokens()).isEqualTo(2048);
    assertThat(counts(plan)).containsExactly(500, 500, 500, 500, 48);
  }

  /// A row of `shared` tokens that others of the same `group` begin with, and `own` tokens.
  private static Sequence added(
      Scheduler scheduler, String query, int group, int shared, int own, int row) {
    int[] prompt = new int[shared + own];
    Arrays.fill(prompt, 0, shared, group);
    Arrays.fill(prompt, shared, shared + own, 100 + row);
    Sequence sequence = Specs.row(query, prompt);
    scheduler.add(sequence);
    return sequence;
  }

  @Test
  void rowsThatBeginAlikeComputeItOnceAndOthersGoAhead() {
    Scheduler scheduler = scheduler(new EngineOptions(8, 24, 4096));
    Sequence a1 = added(scheduler, "q", 1, 40, 5, 1);
    Sequence a2 = added(scheduler, "q", 1, 40, 6, 2);
    Sequence a3 = added(scheduler, "q", 1, 20, 7, 3);
    Sequence b1 = added(scheduler, "q", 2, 10, 4, 4);
    StepPlan first = step(scheduler);
    assertThat(sequences(first)).containsExactly(a1, b1);
    assertThat(counts(first)).containsExactly(24, 14);
    StepPlan second = step(scheduler);
    assertThat(sequences(second)).as("a3 needs one block").containsExactly(b1, a1, a3);
    assertThat(counts(second)).containsExactly(1, 21, 11);
    StepPlan third = step(scheduler);
    assertThat(sequences(third)).containsExactly(a1, b1, a3, a2);
    assertThat(counts(third)).containsExactly(1, 1, 1, 14);
    assertThat(List.of(a1.cachedTokens(), a2.cachedTokens(), a3.cachedTokens()))
        .containsExactly(0, 32, 16);
  }

  @Test
  void rowsThatWaitKeepTheirOrderAndTheirTurns() {
    Scheduler scheduler = scheduler(new EngineOptions(6, 512, 4096));
    Sequence a1 = added(scheduler, "a", 1, 32, 5, 1);
    Sequence a2 = added(scheduler, "a", 1, 32, 5, 2);
    Sequence a3 = added(scheduler, "a", 1, 32, 5, 3);
    Sequence b1 = added(scheduler, "b", 2, 32, 5, 4);
    Sequence b2 = added(scheduler, "b", 2, 32, 5, 5);
    Sequence c1 = added(scheduler, "c", 3, 32, 5, 6);
    assertThat(sequences(step(scheduler))).containsExactly(a1, b1, c1);
    assertThat(sequences(step(scheduler))).startsWith(a1, b1, c1).contains(a2, a3, b2);
    assertThat(a2.arrival()).isLessThan(a3.arrival());
  }

  @Test
  void whoGaveWayFindsItsOwnKeysAndValuesAgain() {
    Scheduler scheduler = scheduler(new EngineOptions(8, 0, 80));
    Sequence a = added(scheduler, "q", 1, 16, 0, 1);
    Sequence b = added(scheduler, "q", 2, 40, 0, 2);
    step(scheduler);
    for (int i = 0; i < 20; i++) {
      step(scheduler);
    }
    assertThat(scheduler.preemptions()).isEqualTo(1);
    assertThat(b.computed()).isZero();
    scheduler.remove(a);
    StepPlan again = step(scheduler);
    assertThat(sequences(again)).containsExactly(b);
    assertThat(again.slices().getFirst().start()).as("the first block").isGreaterThanOrEqualTo(16);
    assertThat(b.cachedTokens()).as("it was its own").isZero();
  }

  @Test
  void whoWaitsGoesOnWhereTheOtherEndsEarly() {
    Scheduler scheduler = scheduler(new EngineOptions(8, 16, 4096));
    Sequence first = added(scheduler, "q", 1, 60, 0, 1);
    Sequence second = added(scheduler, "q", 1, 50, 0, 2);
    assertThat(sequences(step(scheduler))).containsExactly(first);
    first.submission().cancel();
    StepPlan plan = step(scheduler);
    assertThat(sequences(plan)).containsExactly(second);
    assertThat(plan.slices().getFirst().start()).as("what was computed stays").isEqualTo(16);
  }
}
