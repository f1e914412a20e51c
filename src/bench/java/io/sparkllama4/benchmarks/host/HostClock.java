package io.sparkllama4.benchmarks.host;

import io.sparkllama4.engine.StepListener;
import java.util.Arrays;

/// Takes the time of an engine's steps apart: what the driver had of it, what the rest of the
/// backend, what the engine. All of it is called on the engine's thread, or while that waits.
final class HostClock implements StepListener {
  private final DriverTime driver;
  private final int sequences;

  /// By counted step, in nanoseconds.
  private long[] host = new long[1024];

  private long[] backend = new long[1024];
  private long[] engine = new long[1024];
  private long[] inDriver = new long[1024];
  private int counted;
  private Steps kinds = Steps.NONE;
  private volatile boolean isCounting;

  /// In the current step, in nanoseconds.
  private long backendNanos;

  /// Where the current step began.
  private long startNanos;

  private long startDriver;
  private long startPlayed;
  private long startRecorded;

  /// @param sequences of a step that counts
  HostClock(DriverTime driver, int sequences) {
    this.driver = driver;
    this.sequences = sequences;
  }

  /// Steps of single tokens by what became of them, and all others.
  ///
  /// @param played whose recording was played
  /// @param recorded that were recorded, and then played
  /// @param plain that ran for the first time
  /// @param other with fewer sequences or with prompts
  record Steps(int played, int recorded, int plain, int other) {
    static final Steps NONE = new Steps(0, 0, 0, 0);
  }

  /// What a step took, outside the driver and in it.
  ///
  /// @param host nanoseconds of the whole loop
  /// @param backend nanoseconds of these in the backend
  /// @param engine nanoseconds of these outside the backend
  /// @param driver nanoseconds in the driver, on top of these
  @SuppressWarnings("ArrayRecordComponent") // Read where it is made.
  record Times(long[] host, long[] backend, long[] engine, long[] driver) {}

  /// Counts steps from now on; while the engine rests.
  void count() {
    isCounting = true;
  }

  /// Counts time of the engine's thread in the backend, calls of the driver and all.
  void inBackend(long nanos) {
    backendNanos += nanos;
  }

  @Override
  public void stepped(StepReport report) {
    long now = System.nanoTime();
    long took = now - startNanos;
    long driverNanos = driver.nanos() - startDriver;
    long played = driver.played();
    long recorded = driver.recorded();
    if (isCounting) {
      if (report.rows() != sequences || report.prefillTokens() > 0) {
        kinds = new Steps(kinds.played, kinds.recorded, kinds.plain, kinds.other + 1);
      } else if (recorded > startRecorded) {
        kinds = new Steps(kinds.played, kinds.recorded + 1, kinds.plain, kinds.other);
      } else if (played == startPlayed) {
        kinds = new Steps(kinds.played, kinds.recorded, kinds.plain + 1, kinds.other);
      } else {
        kinds = new Steps(kinds.played + 1, kinds.recorded, kinds.plain, kinds.other);
        add(took - driverNanos, backendNanos - driverNanos, driverNanos);
      }
    }
    backendNanos = 0;
    startPlayed = played;
    startRecorded = recorded;
    startDriver = driver.nanos();
    startNanos = System.nanoTime();
  }

  private void add(long hostNanos, long ofBackend, long ofDriver) {
    if (counted == host.length) {
      host = Arrays.copyOf(host, 2 * counted);
      backend = Arrays.copyOf(backend, 2 * counted);
      engine = Arrays.copyOf(engine, 2 * counted);
      inDriver = Arrays.copyOf(inDriver, 2 * counted);
    }
    host[counted] = hostNanos;
    backend[counted] = ofBackend;
    engine[counted] = hostNanos - ofBackend;
    inDriver[counted++] = ofDriver;
  }

  /// The steps so far; once the engine is closed.
  Steps steps() {
    return kinds;
  }

  /// The times of steps that were played, sorted each for itself; once the engine is closed.
  Times times() {
    return new Times(sorted(host), sorted(backend), sorted(engine), sorted(inDriver));
  }

  private long[] sorted(long[] values) {
    long[] copy = Arrays.copyOf(values, counted);
    Arrays.sort(copy);
    return copy;
  }
}
