package io.sparkllama4.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// How full the steps of long jobs are: rows of a job come and go, nothing is computed.
class BatchingTest {

  /// A job of rows that have nothing in common, step by step.
  private static final class Job {
    final EngineOptions options;
    final KvBlocks blocks;
    final Scheduler scheduler;
    final int rows;
    final int output;
    final Set<Sequence> inside = new HashSet<>();
    final List<StepPlan> plans = new ArrayList<>();
    int begun;
    long computed;

    Job(EngineOptions options, int rows, int prompt, int output) {
      this.options = options;
      this.rows = rows;
      this.output = output;
      this.blocks = new KvBlocks(Specs.layers(0), options.kvTokens(), 0, options.prefixCache());
      this.scheduler =
          new Scheduler(
              options,
              blocks,
              new Speculation(SpeculationMode.OFF, 1 << 20),
              (sequence, error) -> {
                throw new AssertionError(error);
              });
      for (int row = 0; row < rows; row++) {
        int[] ids = new int[prompt];
        Arrays.fill(ids, row);
        scheduler.add(Specs.row("q", ids));
      }
    }

    /// Plans a step and takes it as computed.
    StepPlan step() {
      StepPlan plan = scheduler.next();
      plans.add(plan);
      blocks.stored(plan.tokens());
      for (StepPlan.Slice slice : plan.slices()) {
        Sequence sequence = slice.sequence();
        if (inside.add(sequence) && sequence.generated() == 0) {
          begun++;
        }
        computed += slice.count();
        boolean reachesEnd = slice.reachesEnd();
        sequence.commit(slice.count());
        blocks.settle(sequence);
        if (reachesEnd) {
          // The model says nothing that it has said before.
          sequence.tokens().add(1000 + plans.size());
          if (sequence.generated() == output) {
            scheduler.remove(sequence);
            inside.remove(sequence);
          }
        }
      }
      return plan;
    }

    void run() {
      while (scheduler.hasWork()) {
        step();
      }
    }

    double meanRows() {
      return plans.stream().mapToInt(plan -> plan.slices().size()).average().orElseThrow();
    }

    /// Tokens computed for each that had to be.
    double effort(int prompt) {
      return (double) computed / ((long) rows * (prompt + output - 1));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "256, 512, 1000, 60, 16",
    "256, 512, 600, 550, 16",
    "64, 512, 300, 100, 100",
    "40, 512, 100, 700, 30",
    "4000, 512, 6000, 10, 30",
    "16, 0, 60, 300, 10"
  })
  void whoGeneratesIsInEveryStepAndRowsThatWaitFillIt(
      int maxBatch, int prefillChunk, int rows, int prompt, int output) {
    Job job = new Job(new EngineOptions(maxBatch, prefillChunk, 10_000_000), rows, prompt, output);
    int mixed = 0;
    while (job.scheduler.hasWork()) {
      Set<Sequence> generating = new HashSet<>(job.inside);
      generating.removeIf(sequence -> !sequence.isDecoding());
      StepPlan plan = job.step();
      List<Sequence> inStep = plan.slices().stream().map(StepPlan.Slice::sequence).toList();
      assertThat(inStep).containsAll(generating);
      boolean isFull =
          inStep.size() == maxBatch
              || plan.tokens() >= job.options.stepTokens()
              || (prefillChunk == 0 && plan.tokens() + prompt > job.options.stepTokens());
      assertThat(isFull || job.begun == rows).as("rows wait").isTrue();
      if (!generating.isEmpty() && plan.tokens() > plan.slices().size()) {
        mixed++;
      }
    }
    assertThat(mixed).as("prompts are computed beside outputs").isPositive();
    assertThat(job.effort(prompt)).isEqualTo(1);
  }

  /// Where the cache cannot hold all rows that could share a step, few of them are computed in
  /// vain, and not because fewer are let in than fit.
  @ParameterizedTest
  @CsvSource({"4000, 100, 200", "8000, 100, 200", "2000, 100, 100"})
  void littleMemoryIsNotSpentOnRowsThatMustGiveWay(int kvTokens, int prompt, int output) {
    Job job = new Job(new EngineOptions(64, 512, kvTokens), 200, prompt, output);
    job.run();
    assertThat(job.effort(prompt)).isLessThan(1.25);
    double atTheirMean = (double) kvTokens / (prompt + output / 2.0);
    assertThat(job.meanRows()).isGreaterThan(0.8 * atTheirMean);
  }
}
