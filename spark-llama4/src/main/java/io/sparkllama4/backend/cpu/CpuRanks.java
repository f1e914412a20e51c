package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.RankThreads;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/// The ranks of the processor that share one model with a first one: each has a thread, helpers of
/// its own beside it, and its part of the weights.
final class CpuRanks implements AutoCloseable {
  private final RankThreads threads;
  private final List<CpuBackend> others = new ArrayList<>();

  private CpuRanks(RankExchange exchange) {
    this.threads = new RankThreads(exchange.meeting());
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
      group.others.add(maker.make(share(threads, ranks, rank), exchange.link(rank)));
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
    threads.run(
        rank -> {
          CpuPool pool = rank == 0 ? first : others.get(rank - 1).pool();
          pool.during(() -> body.accept(rank));
        });
  }

  @Override
  public void close() {
    threads.close();
    others.forEach(CpuBackend::close);
  }
}
