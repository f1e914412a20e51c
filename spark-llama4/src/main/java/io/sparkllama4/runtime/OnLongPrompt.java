package io.sparkllama4.runtime;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/// What becomes of a prompt that is too long.
public enum OnLongPrompt {
  /// The row fails.
  FAIL,
  /// The row's answer is NULL.
  NULL,
  /// The beginning of the text is dropped.
  TRUNCATE_HEAD,
  /// The end of the text is dropped.
  TRUNCATE_TAIL,
  /// The middle of the text is dropped.
  TRUNCATE_MIDDLE;

  /// The policy of that name, in any case.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with INVALID_OPTION
  static OnLongPrompt of(String name) {
    for (OnLongPrompt policy : values()) {
      if (policy.name().equalsIgnoreCase(name)) {
        return policy;
      }
    }
    String allowed =
        Arrays.stream(values())
            .map(policy -> policy.name().toLowerCase(Locale.ROOT))
            .collect(Collectors.joining(", "));
    throw ErrorReport.of(
            ErrorCode.INVALID_OPTION,
            "Option [on_long_prompt] cannot be [" + OptionKind.shown(name) + "]")
        .found(OptionKind.shown(name), allowed)
        .key("on_long_prompt")
        .exception();
  }

  /// True of the policies that cut the text.
  public boolean cuts() {
    return this == TRUNCATE_HEAD || this == TRUNCATE_TAIL || this == TRUNCATE_MIDDLE;
  }
}
