package io.sparkllama4.backend.cuda;

import org.jspecify.annotations.Nullable;

/// Does everything that must be done at an end, and keeps what goes wrong for the end of it.
final class Failures {
  private @Nullable Throwable first;

  /// Nothing has gone wrong yet.
  Failures() {}

  /// @param first why everything is given up
  Failures(Throwable first) {
    this.first = first;
  }

  /// Does one thing; a failure waits.
  void attempt(Runnable body) {
    try {
      body.run();
    } catch (RuntimeException | Error e) {
      if (first == null) {
        first = e;
      } else if (!first.equals(e)) {
        first.addSuppressed(e);
      }
    }
  }

  /// Throws the first failure, with the others suppressed in it; returns where there was none.
  void rethrow() {
    if (first instanceof Error error) {
      throw error;
    }
    if (first instanceof RuntimeException exception) {
      throw exception;
    }
  }
}
