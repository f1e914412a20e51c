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
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The engine's one thread: takes rows in, plans a step, runs it, samples, hands answers out.
final class EngineLoop implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(EngineLoop.class);

  private final Scheduler scheduler;
  private final KvBlocks blocks;
  private final Speculation speculation;
  private final StepRunner runner;
  private final Sampler sampler;
  private final StepListener listener;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition wake = lock.newCondition();
  private final Queue<Sequence> arriving = new ArrayDeque<>();
  private boolean closing;

  /// Why nothing is computed any more; null while it is, and where it was closed.
  private volatile @Nullable RowError fatal;

  private volatile EngineStats stats = EngineStats.NONE;

  EngineLoop(
      EngineOptions options,
      KvBlocks blocks,
      Speculation speculation,
      StepRunner runner,
      Sampler sampler,
      StepListener listener) {
    this.scheduler = new Scheduler(options, blocks, speculation, this::fail);
    this.blocks = blocks;
    this.speculation = speculation;
    this.runner = runner;
    this.sampler = sampler;
    this.listener = listener;
  }

  /// Hands sequences over. Callable from any thread.
  void submit(List<Sequence> sequences) {
    Optional<RowError> ended = arrive(sequences);
    for (Sequence sequence : sequences) {
      ended.ifPresent(
          error -> sequence.submission().complete(sequence.row(), failed(sequence, error)));
    }
  }

  /// Lets sequences in, or says why nothing is computed any more.
  private Optional<RowError> arrive(List<Sequence> sequences) {
    lock.lock();
    try {
      if (!closing) {
        arriving.addAll(sequences);
        wake.signal();
        return Optional.empty();
      }
      if (fatal == null) {
        throw new IllegalStateException("The engine has been closed");
      }
      return fatal();
    } finally {
      lock.unlock();
    }
  }

  /// Why it takes no more rows, where a step has failed for good.
  Optional<RowError> fatal() {
    return Optional.ofNullable(fatal);
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
    RowError ended = fatal;
    RowError error =
        ended == null ? new RowError(ErrorCode.ENGINE_FAILED, "The engine was closed") : ended;
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
      List<SampleResult> results = runner.compute(plan, wanted);
      StepWork work = account(plan, System.nanoTime() - start);
      for (int i = 0; i < wanted.size(); i++) {
        take(wanted.get(i), results.get(i), work);
      }
      report(plan, work);
      // Whoever has an answer finds it in the figures.
      work.answers().forEach(this::finish);
      work.answers().keySet().forEach(speculation::remember);
    } catch (RuntimeException | Error e) {
      failStep(plan, e);
    }
  }

  /// What the sampler makes of a result; its failure costs this row alone.
  private void take(StepRunner.Wanted wanted, SampleResult result, StepWork work) {
    Sequence sequence = wanted.sequence();
    if (sequence.isOver() || wanted.position() >= sequence.computed()) {
      // It stands behind the end of the output, or behind a draft that was wrong.
      return;
    }
    try {
      int computed = sequence.computed();
      int generated = sequence.generated();
      Optional<Completion> answer = sampler.take(wanted, result);
      blocks.forgotten(computed - sequence.computed());
      work.took(sequence, generated);
      answer.ifPresent(completion -> work.answered(sequence, completion));
    } catch (RuntimeException e) {
      LOG.error("A sample could not be taken in", e);
      RowError error = new RowError(ErrorCode.ENGINE_FAILED, "The output failed: " + e);
      work.answered(sequence, failed(sequence, error));
    }
  }

  /// Books the tokens of a step as computed, and its time on those who shared it.
  private StepWork account(StepPlan plan, long nanos) {
    StepWork work = new StepWork(nanos);
    int tokens = plan.tokens();
    blocks.stored(tokens);
    for (StepPlan.Slice slice : plan.slices()) {
      Sequence sequence = slice.sequence();
      long share = nanos / tokens * slice.count();
      if (sequence.isDecoding()) {
        sequence.decodeNanos += share;
        work.decoded(sequence, slice.count());
      } else {
        sequence.prefillNanos += share;
        work.prefilled(slice.count(), share);
      }
      sequence.commit(slice.count());
      blocks.settle(sequence);
    }
    return work;
  }

  private void report(StepPlan plan, StepWork work) {
    int rows = plan.slices().size();
    if (work.prefillTokens() == 0) {
      speculation.learn(rows, plan.tokens(), work.decodeSampled(), work.nanos());
    }
    listener.stepped(
        new StepListener.StepReport(
            rows, work.prefillTokens(), work.decodeSampled(), work.nanos()));
    stats = work.addTo(stats, rows, scheduler.preemptions(), blocks.peakTokens());
  }

  private static Completion failed(Sequence sequence, RowError error) {
    return Completion.failed(error, sequence.promptTokens(), sequence.cachedTokens());
  }

  private void finish(Sequence sequence, Completion completion) {
    scheduler.remove(sequence);
    sequence.submission().complete(sequence.row(), completion);
  }

  private void fail(Sequence sequence, RowError error) {
    finish(sequence, failed(sequence, error));
  }

  /// A step that failed takes its rows with it; the engine goes on for the others, unless the
  /// device is lost: then nobody else can be answered either.
  private void failStep(StepPlan plan, Throwable failure) {
    LOG.error("A step of {} tokens failed", plan.tokens(), failure);
    RowError error =
        failure instanceof Llama4Exception known
            ? new RowError(known.code(), known.report().describe())
            : new RowError(ErrorCode.ENGINE_FAILED, "A step of the engine failed: " + failure);
    if (failure instanceof Llama4Exception known && known.isFatal()) {
      fatal =
          new RowError(
              error.code(),
              "The engine takes no more rows in this process, because a step failed for good: "
                  + error.message());
      close();
    }
    for (StepPlan.Slice slice : plan.slices()) {
      fail(slice.sequence(), error);
    }
  }
}
