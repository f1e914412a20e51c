package io.sparkllama4.text.jinja;

import java.util.List;

/// Python's tuple.
///
/// @param items what it holds
record Tuple(List<Object> items) {
  static Tuple of(Object... items) {
    return new Tuple(List.of(items));
  }
}
