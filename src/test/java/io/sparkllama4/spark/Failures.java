package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.Optional;
import org.apache.spark.SparkThrowable;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/// What a failing query tells: the deepest condition in its chain of causes.
///
/// @param condition the error condition
/// @param state its SQLSTATE
/// @param message its message
record Failures(String condition, String state, String message) {
  /// The failure of `action`.
  static Failures of(ThrowingCallable action) {
    Throwable failure = catchThrowable(action);
    if (failure == null) {
      throw new AssertionError("Nothing failed");
    }
    Optional<Failures> found = Optional.empty();
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SparkThrowable known && known.getCondition() != null) {
        found =
            Optional.of(
                new Failures(
                    known.getCondition(),
                    String.valueOf(known.getSqlState()),
                    String.valueOf(cause.getMessage())));
      }
    }
    return found.orElseThrow(() -> new AssertionError("No condition", failure));
  }
}
