package io.sparkllama4.text.jinja;

import java.util.List;

/// Python's tuple, and the views of a dict, which differ in how they print.
///
/// @param open what stands in front of the items
/// @param items what it holds
record Tuple(String open, List<Object> items) {
  static Tuple of(Object... items) {
    return new Tuple("(", List.of(items));
  }

  String close() {
    return open.equals("(") ? (items.size() == 1 ? ",)" : ")") : "])";
  }
}
