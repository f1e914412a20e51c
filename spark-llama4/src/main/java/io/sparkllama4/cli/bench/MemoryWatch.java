package io.sparkllama4.cli.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import java.util.OptionalLong;

/// Watches how much memory this process has. The system remembers the most pages that were resident
/// at a time, but not how many of them were its own: those are looked at ten times a second.
public final class MemoryWatch implements AutoCloseable {
  private static final long INTERVAL_MILLIS = 100;

  private final Thread thread;
  private volatile long peakAnonymous;
  private volatile boolean closed;

  private MemoryWatch() {
    this.thread = Thread.ofPlatform().daemon().name("bench-memory").unstarted(this::watch);
  }

  /// Begins to watch.
  public static MemoryWatch start() {
    MemoryWatch watch = new MemoryWatch();
    watch.look();
    watch.thread.start();
    return watch;
  }

  private void watch() {
    while (!closed) {
      look();
      try {
        Thread.sleep(INTERVAL_MILLIS);
      } catch (InterruptedException e) {
        // close() ends the waiting.
        return;
      }
    }
  }

  private synchronized void look() {
    peakAnonymous = Math.max(peakAnonymous, Machine.anonymousBytes().orElse(0));
  }

  /// The most anonymous memory seen so far: heap, packed weights, keys and values, threads; not the
  /// pages of mapped files, which the system can drop. Empty where the system does not tell.
  OptionalLong peakAnonymousBytes() {
    return peakAnonymous == 0 ? OptionalLong.empty() : OptionalLong.of(peakAnonymous);
  }

  /// Writes the most memory so far.
  void describe(ObjectNode node) {
    look();
    OptionalLong anonymous = peakAnonymousBytes();
    put(node, "peak_rss_bytes", Machine.peakResidentBytes());
    put(node, "peak_anonymous_bytes", anonymous);
    node.put("heap_bytes", Runtime.getRuntime().totalMemory());
  }

  private static void put(ObjectNode node, String name, OptionalLong value) {
    if (value.isPresent()) {
      node.put(name, value.getAsLong());
    } else {
      node.putNull(name);
    }
  }

  /// The most memory so far, for people.
  String line() {
    look();
    return String.format(
        Locale.ROOT,
        "Peak memory: %s resident, %s of it anonymous (heap %s)",
        mebibytes(Machine.peakResidentBytes()),
        mebibytes(peakAnonymousBytes()),
        mebibytes(OptionalLong.of(Runtime.getRuntime().totalMemory())));
  }

  private static String mebibytes(OptionalLong bytes) {
    return bytes.isPresent() ? (bytes.getAsLong() >> 20) + " MiB" : "unknown";
  }

  @Override
  public void close() {
    closed = true;
    thread.interrupt();
  }
}
