package io.sparkllama4.backend.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;

/// The compute threads of one engine: the engine's own thread and helpers beside it.
///
/// Work is a number of independent tasks, which the threads take one by one; which thread takes
/// which never changes a result. Inside a step helpers wait actively for a moment, since the next
/// kernel comes within microseconds; between steps they sleep.
public final class CpuPool implements AutoCloseable {
  /// How long a helper looks for the next kernel of a step before it sleeps: longer than the engine
  /// thread needs between two kernels, so that no step pays for a wake-up, which takes as long as a
  /// kernel.
  private static final long ACTIVE_WAIT_NANOS = 400_000;

  private final Thread[] helpers;
  private volatile boolean stepping;
  private volatile boolean closed;
  private volatile Job job = Job.NONE;

  /// `threads` compute threads in all, the caller's included.
  public CpuPool(int threads) {
    helpers = new Thread[threads - 1];
    for (int i = 0; i < helpers.length; i++) {
      int worker = i + 1;
      helpers[i] =
          Thread.ofPlatform().daemon().name("llama4-cpu-" + (i + 1)).start(() -> help(worker));
    }
  }

  /// What one kernel does, in pieces.
  public interface Body {
    /// Does piece `task`, on the thread that has the number `worker`: 0 for the engine's own.
    void run(int task, int worker);
  }

  /// One kernel's tasks. Each thread has a run of neighbours, which mostly lie side by side in
  /// memory, and works through it from the front; whoever is done takes from the others' ends.
  private static final class Job {
    static final Job NONE = new Job(0, 1, (task, worker) -> {});

    /// Runs stand this far apart, so that threads do not share cache lines.
    private static final int SPACING = 16;

    final int threads;
    final Body body;
    final AtomicInteger finished = new AtomicInteger();

    /// By thread, the first task that nobody has taken, and in the lower half the end.
    private final AtomicLongArray runs;

    volatile Throwable failure;

    @SuppressWarnings("NullAway") // failure stays null in a job that succeeds.
    Job(int tasks, int threads, Body body) {
      this.threads = threads;
      this.body = body;
      this.runs = new AtomicLongArray(threads * SPACING);
      for (int i = 0; i < threads; i++) {
        long first = (long) i * tasks / threads;
        runs.setPlain(i * SPACING, first << 32 | (i + 1L) * tasks / threads);
      }
    }

    void work(int worker) {
      int task;
      while ((task = next(worker)) >= 0) {
        try {
          body.run(task, worker);
        } catch (RuntimeException | Error e) {
          failure = e;
        }
        finished.incrementAndGet();
      }
    }

    private int next(int worker) {
      for (int i = 0; i < threads; i++) {
        int owner = (worker + i) % threads;
        int task = take(owner * SPACING, i == 0);
        if (task >= 0) {
          return task;
        }
      }
      return -1;
    }

    /// The first, or the last, task of a run; -1 where none is left.
    private int take(int index, boolean fromFront) {
      while (true) {
        long run = runs.get(index);
        int first = (int) (run >>> 32);
        int end = (int) run;
        if (first >= end) {
          return -1;
        }
        long rest = fromFront ? run + (1L << 32) : run - 1;
        if (runs.compareAndSet(index, run, rest)) {
          return fromFront ? first : end - 1;
        }
      }
    }
  }

  /// The number of compute threads.
  public int threads() {
    return helpers.length + 1;
  }

  /// Runs `body`, a sequence of kernels, with helpers at hand.
  public void during(Runnable body) {
    stepping = true;
    try {
      body.run();
    } finally {
      stepping = false;
    }
  }

  /// Runs tasks 0 to `tasks - 1` and returns when all are done. Called from the engine's thread.
  ///
  /// @throws RuntimeException what a task threw
  public void run(int tasks, Body body) {
    if (tasks <= 0) {
      return;
    }
    Job current = new Job(tasks, threads(), body);
    if (helpers.length > 0 && tasks > 1) {
      job = current;
      for (Thread helper : helpers) {
        LockSupport.unpark(helper);
      }
    }
    current.work(0);
    while (current.finished.get() < tasks) {
      Thread.onSpinWait();
    }
    Throwable failure = current.failure;
    if (failure instanceof Error error) {
      throw error;
    }
    if (failure != null) {
      throw (RuntimeException) failure;
    }
  }

  private void help(int worker) {
    Job last = Job.NONE;
    while (!closed) {
      Job current = job;
      if (current != last) {
        current.work(worker);
        last = current;
      } else {
        await(last);
      }
    }
  }

  private void await(Job last) {
    long start = System.nanoTime();
    while (stepping && job == last && System.nanoTime() - start < ACTIVE_WAIT_NANOS) {
      Thread.onSpinWait();
    }
    if (job == last && !closed) {
      LockSupport.park(this);
    }
  }

  @Override
  public void close() {
    closed = true;
    for (Thread helper : helpers) {
      LockSupport.unpark(helper);
    }
    boolean interrupted = false;
    for (Thread helper : helpers) {
      while (helper.isAlive()) {
        try {
          helper.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
