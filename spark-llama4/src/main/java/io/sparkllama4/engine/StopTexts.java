package io.sparkllama4.engine;

import java.util.List;
import java.util.Optional;

/// Looks for stop texts in an output as it grows, across the borders of tokens.
final class StopTexts {
  private final List<String> stops;
  private final int longest;
  private final StringBuilder text = new StringBuilder();

  StopTexts(List<String> stops) {
    this.stops = stops;
    this.longest = stops.stream().mapToInt(String::length).max().orElse(0);
  }

  /// Adds what is new; returns the stop text that occurs first in it, if one does, and cuts the
  /// text before it.
  Optional<String> append(String piece) {
    int from = Math.max(0, text.length() - longest + 1);
    text.append(piece);
    int first = Integer.MAX_VALUE;
    Optional<String> found = Optional.empty();
    for (String stop : stops) {
      int at = text.indexOf(stop, from);
      if (at >= 0 && at < first) {
        first = at;
        found = Optional.of(stop);
      }
    }
    if (found.isPresent()) {
      text.setLength(first);
    }
    return found;
  }

  String text() {
    return text.toString();
  }
}
