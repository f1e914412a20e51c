package io.sparkllama4.cli;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Checks of values that options have been given.
public final class OptionValues {
  /// Six digits of terabytes still fit a long.
  private static final Pattern BYTES = Pattern.compile("([0-9]{1,6}|[0-9]{7,18}(?=$))([kmgt]?)");

  private static final String UNITS = "kmgt";

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

  /// A number of bytes, as 1024, 512m or 2g; k, m, g and t are powers of 1024, as in Spark's keys.
  ///
  /// @throws CommandFailures.UsageException with INVALID_OPTION and the option
  static long bytes(String option, String value) {
    Matcher parts = BYTES.matcher(value);
    if (!parts.matches()) {
      throw wrong(option, value, "a number of bytes, as 0, 512m or 2g");
    }
    int power = parts.group(2).isEmpty() ? 0 : 1 + UNITS.indexOf(parts.group(2));
    return Long.parseLong(parts.group(1)) << (10 * power);
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
