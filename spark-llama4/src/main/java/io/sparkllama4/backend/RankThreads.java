package io.sparkllama4.backend;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntConsumer;

/// A thread for each rank but the first, which runs on its caller's.
public final class RankThreads implements AutoCloseable {
  private final RankMeeting<?> meeting;
  private final List<ExecutorService> threads = new ArrayList<>();

  /// Threads of the ranks that meet in `meeting`.
  public RankThreads(RankMeeting<?> meeting) {
    this.meeting = meeting;
    for (int rank = 1; rank < meeting.ranks(); rank++) {
      String name = "llama4-rank-" + rank;
      threads.add(
          Executors.newSingleThreadExecutor(
              task -> Thread.ofPlatform().daemon().name(name).unstarted(task)));
    }
  }

  /// Runs `body` for all ranks, and returns when none runs any more.
  ///
  /// @throws RuntimeException what the first rank threw that failed
  public void run(IntConsumer body) {
    meeting.begin();
    List<Future<?>> running = new ArrayList<>();
    for (int i = 0; i < threads.size(); i++) {
      int rank = i + 1;
      running.add(threads.get(i).submit(() -> run(rank, body)));
    }
    run(0, body);
    running.forEach(RankThreads::await);
    meeting.failure().ifPresent(RankThreads::raise);
  }

  private void run(int rank, IntConsumer body) {
    try {
      body.accept(rank);
    } catch (RuntimeException | Error e) {
      meeting.fail(e);
    }
  }

  private static void raise(Throwable failure) {
    if (failure instanceof Error error) {
      throw error;
    }
    throw (RuntimeException) failure;
  }

  /// Waits for a rank, whatever interrupts: it uses memory that the caller owns.
  private static void await(Future<?> rank) {
    boolean interrupted = false;
    while (!rank.isDone()) {
      try {
        rank.get();
      } catch (InterruptedException e) {
        interrupted = true;
      } catch (ExecutionException e) {
        throw new IllegalStateException("A rank tells its failures itself", e);
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    threads.forEach(ExecutorService::close);
  }
}
