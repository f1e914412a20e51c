package io.sparkllama4.cli.bench;

import io.sparkllama4.engine.StepListener;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/// Takes the time of steps of one kind, from the end of the step before to its own end, so that
/// planning and sampling count as well.
final class StepClock implements StepListener {
  /// Which steps count.
  interface Kind {
    /// True for those that do.
    boolean includes(StepReport report);
  }

  private static final Measurement NOTHING = new Measurement(report -> false, 0);

  private final RoutedExperts routed;
  private final Work work;
  private volatile Measurement current = NOTHING;

  /// @param routed whose counts say what bytes a step had to read
  StepClock(RoutedExperts routed, Work work) {
    this.routed = routed;
    this.work = work;
  }

  /// Counts up to `most` steps of `kind` from now on; called while the engine rests.
  Measurement start(Kind kind, int most) {
    Measurement started = new Measurement(kind, most);
    current = started;
    return started;
  }

  @Override
  public void stepped(StepReport report) {
    current.add(report, routed.take(), work);
  }

  /// What was counted; written on the engine's thread, read when the latch is open or the engine
  /// rests.
  static final class Measurement {
    private final Kind kind;
    private final int most;
    private final CountDownLatch complete;
    private long before = System.nanoTime();
    private int steps;
    private long nanos;
    private double bytes;

    Measurement(Kind kind, int most) {
      this.kind = kind;
      this.most = most;
      this.complete = new CountDownLatch(1);
    }

    private synchronized void add(
        StepListener.StepReport report, Map<Integer, Integer> experts, Work work) {
      long now = System.nanoTime();
      if (steps < most && kind.includes(report)) {
        steps++;
        nanos += now - before;
        bytes += experts.isEmpty() ? 0 : work.bytes(experts);
        if (steps == most) {
          complete.countDown();
        }
      }
      before = now;
    }

    /// Opens when as many steps as wanted have been counted.
    CountDownLatch complete() {
      return complete;
    }

    synchronized int steps() {
      return steps;
    }

    synchronized double seconds() {
      return nanos * 1e-9;
    }

    /// Bytes of weights that all counted steps read; 0 where the experts were not counted.
    synchronized double bytes() {
      return bytes;
    }
  }
}
