package io.sparkllama4.engine;

import io.sparkllama4.backend.SampleResult;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.Llama4Exception;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The engine's one thread: takes rows in, plans a step, runs it, samples, hands answers out.
final class EngineLoop implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(EngineLoop.class);

  private final Scheduler scheduler;
  private final KvBlocks blocks;
  private final StepRunner runner;
  private final Sampler sampler;
  private final StepListener listener;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition wake = lock.newCondition();
  private final Queue<Sequence> arriving = new ArrayDeque<>();
  private boolean closing;

  private volatile EngineStats stats = new EngineStats(0, 0, 0, 0, 0, 0, 0, 0);

  EngineLoop(
      EngineOptions options,
      KvBlocks blocks,
      StepRunner runner,
      Sampler sampler,
      StepListener listener) {
    this.scheduler = new Scheduler(options, blocks, this::fail);
    this.blocks = blocks;
    this.runner = runner;
    this.sampler = sampler;
    this.listener = listener;
  }

  /// Hands sequences over. Callable from any thread.
  void submit(List<Sequence> sequences) {
    lock.lock();
    try {
      if (closing) {
        throw new IllegalStateException("The engine has been closed");
      }
      arriving.addAll(sequences);
      wake.signal();
    } finally {
      lock.unlock();
    }
  }

  /// Makes the loop look for cancelled rows.
  void wake() {
    lock.lock();
    try {
      wake.signal();
    } finally {
      lock.unlock();
    }
  }

  /// Makes the loop end; rows without an answer fail.
  void close() {
    lock.lock();
    try {
      closing = true;
      wake.signal();
    } finally {
      lock.unlock();
    }
  }

  EngineStats stats() {
    return stats;
  }

  @Override
  public void run() {
    try {
      while (takeIn()) {
        step();
      }
    } finally {
      failRest();
    }
  }

  /// Whoever still waits is told, and nobody else can come in.
  private void failRest() {
    close();
    RowError error = new RowError(ErrorCode.ENGINE_FAILED, "The engine was closed");
    scheduler.drain().forEach(sequence -> fail(sequence, error));
    arriving.forEach(sequence -> fail(sequence, error));
  }

  /// Moves arrived rows to the scheduler, waiting where there is nothing to do; false at the end.
  private boolean takeIn() {
    lock.lock();
    try {
      while (arriving.isEmpty() && !scheduler.hasWork() && !closing) {
        wake.awaitUninterruptibly();
      }
      while (!arriving.isEmpty()) {
        scheduler.add(arriving.remove());
      }
      return !closing;
    } finally {
      lock.unlock();
    }
  }

  private void step() {
    StepPlan plan = scheduler.next();
    if (plan.isEmpty()) {
      return;
    }
    try {
      long start = System.nanoTime();
      List<StepRunner.Wanted> wanted = new ArrayList<>();
      int first = 0;
      for (StepPlan.Slice slice : plan.slices()) {
        sampler.want(slice, first, wanted);
        first += slice.count();
      }
      runner.ensureBuffers(plan.tokens(), wanted.size());
      runner.run(plan);
      List<SampleResult> results = runner.sample(plan, wanted);
      account(plan, System.nanoTime() - start);
      for (int i = 0; i < wanted.size(); i++) {
        take(wanted.get(i), results.get(i));
      }
    } catch (RuntimeException | Error e) {
      failStep(plan, e);
    }
  }

  /// What the sampler makes of a result; its failure costs this row alone.
  private void take(StepRunner.Wanted wanted, SampleResult result) {
    Sequence sequence = wanted.sequence();
    try {
      int computed = sequence.computed();
      Optional<Completion> answer = sampler.take(wanted, result);
      blocks.forgotten(computed - sequence.computed());
      answer.ifPresent(completion -> finish(sequence, completion));
    } catch (RuntimeException e) {
      LOG.error("A sample could not be taken in", e);
      fail(sequence, new RowError(ErrorCode.ENGINE_FAILED, "The output failed: " + e));
    }
  }

  /// Books the tokens of a step as computed, and its time on those who shared it.
  private void account(StepPlan plan, long nanos) {
    int tokens = plan.tokens();
    blocks.stored(tokens);
    int prefillTokens = 0;
    long prefillNanos = 0;
    for (StepPlan.Slice slice : plan.slices()) {
      Sequence sequence = slice.sequence();
      long share = nanos / tokens * slice.count();
      if (sequence.isDecoding()) {
        sequence.decodeNanos += share;
      } else {
        sequence.prefillNanos += share;
        prefillTokens += slice.count();
        prefillNanos += share;
      }
      sequence.commit(slice.count());
      blocks.settle(sequence);
    }
    listener.stepped(
        new StepListener.StepReport(
            plan.slices().size(), prefillTokens, tokens - prefillTokens, nanos));
    EngineStats before = stats;
    long generated =
        plan.slices().stream()
            .filter(s -> s.sequence().task() instanceof PromptBatch.Generate && s.reachesEnd())
            .count();
    stats =
        new EngineStats(
            before.steps() + 1,
            Math.max(before.maxRowsPerStep(), plan.slices().size()),
            scheduler.preemptions(),
            before.prefillTokens() + prefillTokens,
            before.generatedTokens() + generated,
            blocks.peakTokens(),
            before.prefillNanos() + prefillNanos,
            before.decodeNanos() + nanos - prefillNanos);
  }

  private void finish(Sequence sequence, Completion completion) {
    scheduler.remove(sequence);
    sequence.submission().complete(sequence.row(), completion);
  }

  private void fail(Sequence sequence, RowError error) {
    Completion failed = Completion.failed(error, sequence.promptTokens(), sequence.cachedTokens());
    finish(sequence, failed);
  }

  /// A step that failed takes its rows with it; the engine goes on for the others.
  private void failStep(StepPlan plan, Throwable failure) {
    LOG.error("A step of {} tokens failed", plan.tokens(), failure);
    RowError error =
        failure instanceof Llama4Exception known
            ? new RowError(known.code(), known.report().describe())
            : new RowError(ErrorCode.ENGINE_FAILED, "A step of the engine failed: " + failure);
    for (StepPlan.Slice slice : plan.slices()) {
      fail(slice.sequence(), error);
    }
  }
}
