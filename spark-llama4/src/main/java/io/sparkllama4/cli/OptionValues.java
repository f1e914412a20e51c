package io.sparkllama4.cli;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import java.util.List;

/// Checks of values that options have been given.
public final class OptionValues {
  private OptionValues() {}

  /// Refuses a value below `least`.
  ///
  /// @throws CommandFailures.UsageException with INVALID_OPTION and the option
  public static void requireAtLeast(String option, int value, int least) {
    if (value < least) {
      throw wrong(option, value, "at least " + least);
    }
  }

  /// Refuses a value that is none of `words`.
  ///
  /// @throws CommandFailures.UsageException with INVALID_OPTION and the option
  static void requireOneOf(String option, String value, String... words) {
    if (!List.of(words).contains(value)) {
      throw wrong(option, value, String.join(", ", words));
    }
  }

  /// The error of a value that the option does not take.
  ///
  /// @param allowed what it takes
  public static CommandFailures.UsageException wrong(String option, Object found, String allowed) {
    return new CommandFailures.UsageException(
        ErrorReport.of(ErrorCode.INVALID_OPTION, "Option " + option + " cannot be [" + found + "]")
            .found(found, allowed)
            .key(option));
  }
}
