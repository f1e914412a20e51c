package io.sparkllama4.backend.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/// Runs the checks of a part, one after the other. A check that fails stops no other; where the
/// time is over, or the device is lost, those that are left are skipped, and say so.
public final class CheckRun {
  private static final double NANO = 1e-9;

  private final Limit limit;
  private final Consumer<CheckResult> listener;
  private final List<CheckResult> results = new ArrayList<>();
  private Supplier<Optional<String>> loss = Optional::empty;
  private Optional<String> lost;

  /// How long all parts may take together.
  public static final class Limit {
    private final LongSupplier clock;
    private final long begin;
    private final double seconds;

    /// @param clock nanoseconds, such as [System#nanoTime]
    /// @param seconds from now on
    public Limit(LongSupplier clock, double seconds) {
      this.clock = clock;
      this.seconds = seconds;
      begin = clock.getAsLong();
    }

    /// What is left, at least 0.
    public double left() {
      return Math.max(0, seconds - used());
    }

    /// What was taken so far.
    public double used() {
      return (clock.getAsLong() - begin) * NANO;
    }

    /// What there was at the beginning.
    public double seconds() {
      return seconds;
    }
  }

  /// What a check does; whatever it throws is a failure.
  public interface Check {
    /// Looks, and says what it saw.
    Finding run() throws Exception;
  }

  /// @param limit of all parts
  /// @param listener told of each result
  /// @param lost why an earlier part has lost the device, where it has
  public CheckRun(Limit limit, Consumer<CheckResult> listener, Optional<String> lost) {
    this.limit = limit;
    this.listener = listener;
    this.lost = lost;
  }

  /// Asks `loss` after each check from now on whether the device is lost, and why.
  public void watch(Supplier<Optional<String>> loss) {
    this.loss = loss;
  }

  /// Runs a check where there is time for it and a device.
  public void check(String name, Check check) {
    check(name, 0, check);
  }

  /// Runs a check where there is time for it and a device.
  ///
  /// @param needed seconds that it takes at least
  public void check(String name, double needed, Check check) {
    if (lost.isPresent()) {
      add(new CheckResult(name, Finding.skipped("the device is lost: " + lost.get()), 0));
      return;
    }
    if (limit.left() <= needed) {
      String text =
          String.format(
              Locale.ROOT,
              "no time: %.0f of %.0f s are left, it takes %.0f at least; --seconds gives more",
              limit.left(),
              limit.seconds(),
              needed);
      add(new CheckResult(name, Finding.skipped(text), 0));
      return;
    }
    double begin = limit.used();
    Finding finding = run(check);
    add(new CheckResult(name, finding, limit.used() - begin));
    lost = loss.get();
  }

  /// Closes what checks have used. Where that fails, it is a failed check of its own; a lost device
  /// has nothing that could be given back.
  public void giveBack(String name, AutoCloseable used) {
    Finding finding =
        run(
            () -> {
              used.close();
              return Finding.passed("given back");
            });
    if (finding.status() != Finding.Status.PASSED && lost.isEmpty()) {
      add(new CheckResult(name, finding, 0));
    }
  }

  /// The boundary: whatever goes wrong in a check is what it found.
  private static Finding run(Check check) {
    try {
      return check.run();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Finding.skipped("interrupted");
    } catch (Exception e) {
      StackTraceElement[] trace = e.getStackTrace();
      String where = trace.length == 0 ? "" : " at " + trace[0];
      return Finding.failed(e + where);
    }
  }

  private void add(CheckResult result) {
    results.add(result);
    listener.accept(result);
  }

  /// Why the device is lost, where it is.
  public Optional<String> loss() {
    return lost;
  }

  /// Everything so far, in order.
  public List<CheckResult> results() {
    return List.copyOf(results);
  }
}
