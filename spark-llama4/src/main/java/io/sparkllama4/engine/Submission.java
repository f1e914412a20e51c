package io.sparkllama4.engine;

import java.util.BitSet;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// A batch of rows that an engine is answering. The caller takes answers in any order, or cancels.
public final class Submission {
  private final String query;
  private final @Nullable Completion[] completions;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  /// Rows that somebody waits for: the others' answers wake nobody.
  private final BitSet awaited = new BitSet();

  private final Runnable cancelled;
  private volatile boolean isCancelled;
  private int answered;

  /// @param query who shares a turn in the queue
  /// @param cancelled told when the caller loses interest
  Submission(String query, int rows, Runnable cancelled) {
    this.query = query;
    this.completions = new Completion[rows];
    this.cancelled = cancelled;
  }

  /// The number of rows.
  public int rows() {
    return completions.length;
  }

  /// The number of rows that have no answer yet.
  public int unanswered() {
    lock.lock();
    try {
      return completions.length - answered;
    } finally {
      lock.unlock();
    }
  }

  String query() {
    return query;
  }

  /// Waits for the answer to `row`.
  ///
  /// @throws IllegalStateException where the submission has been cancelled
  public Completion await(int row) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (true) {
        Completion completion = completions[row];
        if (completion != null) {
          return completion;
        }
        if (isCancelled) {
          throw new IllegalStateException("The submission has been cancelled");
        }
        awaited.set(row);
        changed.await();
      }
    } finally {
      lock.unlock();
    }
  }

  /// Waits for the answer to `row`, but no longer than `millis`; true where it is there.
  public boolean await(int row, long millis) throws InterruptedException {
    long left = TimeUnit.MILLISECONDS.toNanos(millis);
    lock.lockInterruptibly();
    try {
      awaited.set(row);
      while (completions[row] == null && left > 0) {
        left = changed.awaitNanos(left);
      }
      return completions[row] != null;
    } finally {
      lock.unlock();
    }
  }

  /// True where [#await] of `row` would return at once.
  public boolean isDone(int row) {
    lock.lock();
    try {
      return completions[row] != null;
    } finally {
      lock.unlock();
    }
  }

  /// Gives up all rows that have no answer yet: the engine drops them before its next step.
  public void cancel() {
    lock.lock();
    try {
      isCancelled = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    cancelled.run();
  }

  /// The answer to `row`, if it is there.
  public Optional<Completion> answer(int row) {
    lock.lock();
    try {
      return Optional.ofNullable(completions[row]);
    } finally {
      lock.unlock();
    }
  }

  /// True where its rows have been given up: those without an answer will have none.
  public boolean isCancelled() {
    return isCancelled;
  }

  /// Answers `row`; the first answer counts.
  void complete(int row, Completion completion) {
    lock.lock();
    try {
      if (completions[row] == null) {
        completions[row] = completion;
        answered++;
      }
      if (awaited.get(row)) {
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }
}
