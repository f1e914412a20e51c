package io.sparkllama4.backend.cpu;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntConsumer;

/// The ranks of the processor that share one model with a first one: each has a thread, helpers of
/// its own beside it, and its part of the weights.
final class CpuRanks implements AutoCloseable {
  private final RankExchange exchange;
  private final List<CpuBackend> others = new ArrayList<>();
  private final List<ExecutorService> threads = new ArrayList<>();

  private CpuRanks(RankExchange exchange) {
    this.exchange = exchange;
  }

  /// Makes the backend of one rank.
  interface Maker {
    /// A backend of `threads` threads that is tied to others by `link`.
    CpuBackend make(int threads, RankLink link);
  }

  /// The first of `ranks` ranks, which `threads` threads share, each rank having one at least.
  static CpuBackend open(int ranks, int threads, Maker maker) {
    if (ranks == 1) {
      return maker.make(threads, RankLink.ALONE);
    }
    RankExchange exchange = new RankExchange(ranks);
    CpuRanks group = new CpuRanks(exchange);
    CpuBackend first = maker.make(share(threads, ranks, 0), exchange.link(0));
    for (int rank = 1; rank < ranks; rank++) {
      String name = "llama4-rank-" + rank;
      group.others.add(maker.make(share(threads, ranks, rank), exchange.link(rank)));
      group.threads.add(
          Executors.newSingleThreadExecutor(
              task -> Thread.ofPlatform().daemon().name(name).unstarted(task)));
    }
    return first.leading(group);
  }

  private static int share(int threads, int ranks, int rank) {
    return Math.max(1, (rank + 1) * threads / ranks - rank * threads / ranks);
  }

  /// The ranks but the first.
  List<CpuBackend> others() {
    return List.copyOf(others);
  }

  /// Runs `body` on all ranks, the first on the calling thread, and returns when none runs any
  /// more.
  ///
  /// @throws RuntimeException what the first rank threw that failed
  void run(CpuPool first, IntConsumer body) {
    exchange.begin();
    List<Future<?>> running = new ArrayList<>();
    for (int i = 0; i < others.size(); i++) {
      int rank = i + 1;
      CpuPool pool = others.get(i).pool();
      running.add(threads.get(i).submit(() -> run(rank, pool, body)));
    }
    run(0, first, body);
    running.forEach(CpuRanks::await);
    exchange.failure().ifPresent(CpuRanks::raise);
  }

  private void run(int rank, CpuPool pool, IntConsumer body) {
    try {
      pool.during(() -> body.accept(rank));
    } catch (RuntimeException | Error e) {
      exchange.fail(e);
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
    others.forEach(CpuBackend::close);
  }
}
