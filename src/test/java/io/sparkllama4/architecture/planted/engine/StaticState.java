package io.sparkllama4.architecture.planted.engine;

import java.util.concurrent.atomic.AtomicInteger;

/// State that no owner closes.
public final class StaticState {
  private static final AtomicInteger CALLS = new AtomicInteger();
  private static int last;

  private StaticState() {}

  /// Changes it.
  public static int next() {
    last += CALLS.incrementAndGet();
    return last;
  }
}
