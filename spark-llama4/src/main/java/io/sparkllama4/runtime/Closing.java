package io.sparkllama4.runtime;

import java.util.ArrayDeque;
import java.util.Deque;

/// Closes, in reverse, what was opened on the way to something that could not be finished.
final class Closing implements AutoCloseable {
  private final Deque<AutoCloseable> opened = new ArrayDeque<>();

  /// Remembers `resource`.
  <T extends AutoCloseable> T onFailure(T resource) {
    opened.push(resource);
    return resource;
  }

  /// The whole is finished and owns its parts.
  <T> T keep(T whole) {
    opened.clear();
    return whole;
  }

  @Override
  public void close() {
    while (!opened.isEmpty()) {
      try {
        opened.pop().close();
      } catch (RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IllegalStateException("A part of a model could not be closed", e);
      }
    }
  }
}
