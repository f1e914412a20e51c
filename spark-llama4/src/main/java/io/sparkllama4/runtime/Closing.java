package io.sparkllama4.runtime;

import java.util.ArrayDeque;
import java.util.Deque;

/// Closes, in reverse, what was opened on the way to something that could not be finished, or the
/// parts of something that has come to its end.
final class Closing implements AutoCloseable {
  private final Deque<AutoCloseable> opened = new ArrayDeque<>();

  /// Remembers `resources`, the last of which is closed first.
  static Closing of(AutoCloseable... resources) {
    Closing closing = new Closing();
    for (AutoCloseable resource : resources) {
      closing.opened.push(resource);
    }
    return closing;
  }

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

  /// Closes all, whatever fails; the first failure carries the others.
  @Override
  public void close() {
    RuntimeException first = null;
    while (!opened.isEmpty()) {
      try {
        opened.pop().close();
      } catch (Exception e) {
        RuntimeException failure =
            e instanceof RuntimeException known
                ? known
                : new IllegalStateException("A part of a model could not be closed", e);
        if (first == null) {
          first = failure;
        } else {
          first.addSuppressed(failure);
        }
      }
    }
    if (first != null) {
      throw first;
    }
  }
}
