package io.sparkllama4.backend.cuda;

import java.io.Serial;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Supplier;

/// The thread that a device's context is current on. A context belongs to a thread of the system,
/// so everything asked of a device is done here; virtual threads never call the driver.
final class DeviceThread {
  /// Where the caller stood, kept with a failure on the device's thread.
  private static final class CalledFrom extends Exception {
    @Serial private static final long serialVersionUID = 1L;

    CalledFrom(String message) {
      super(message);
    }
  }

  private final LinkedBlockingQueue<FutureTask<?>> tasks = new LinkedBlockingQueue<>();
  private final Thread thread;
  private boolean ended;

  DeviceThread(String name) {
    thread = Thread.ofPlatform().daemon().name(name).unstarted(this::work);
    thread.start();
  }

  private void work() {
    while (true) {
      try {
        tasks.take().run();
      } catch (InterruptedException e) {
        // Nobody has a reason to interrupt it; a task that was cut off would leave the device
        // in a state that nobody knows.
        continue;
      }
      synchronized (this) {
        if (ended && tasks.isEmpty()) {
          return;
        }
      }
    }
  }

  boolean isCurrent() {
    return Thread.currentThread().equals(thread);
  }

  String name() {
    return thread.getName();
  }

  /// Runs `body` on this thread and waits for it, even where the caller is interrupted: what the
  /// body reads and writes is the caller's. The interrupt stays set.
  <T> T call(Supplier<T> body) {
    if (isCurrent()) {
      return body.get();
    }
    FutureTask<T> task = new FutureTask<>(body::get);
    if (!submit(task)) {
      throw new IllegalStateException("The thread [" + thread.getName() + "] has ended");
    }
    return result(task);
  }

  /// Runs `body` on this thread and waits for it; does nothing where the thread has ended.
  void tryRun(Runnable body) {
    if (isCurrent()) {
      body.run();
      return;
    }
    FutureTask<Boolean> task = new FutureTask<>(body, true);
    if (submit(task)) {
      result(task);
    }
  }

  private <T> T result(FutureTask<T> task) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return task.get();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } catch (ExecutionException e) {
      throw rethrown(Objects.requireNonNullElse(e.getCause(), e));
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private synchronized boolean submit(FutureTask<?> task) {
    return !ended && tasks.add(task);
  }

  private RuntimeException rethrown(Throwable failure) {
    failure.addSuppressed(
        new CalledFrom(
            "called from thread ["
                + Thread.currentThread().getName()
                + "], done on ["
                + thread.getName()
                + "]"));
    if (failure instanceof Error error) {
      throw error;
    }
    if (failure instanceof RuntimeException exception) {
      return exception;
    }
    return new IllegalStateException(failure);
  }

  synchronized boolean hasEnded() {
    return ended;
  }

  /// Ends the thread once `last` has run on it; tasks that were submitted before run before.
  ///
  /// @return whether this call ended it, and ran `last`
  boolean end(Runnable last) {
    FutureTask<Boolean> task = new FutureTask<>(last, true);
    boolean here = isCurrent();
    synchronized (this) {
      if (ended) {
        return false;
      }
      ended = true;
      if (!here) {
        tasks.add(task);
      }
    }
    if (here) {
      // The loop ends behind the task that this call is part of.
      last.run();
      return true;
    }
    return result(task);
  }
}
