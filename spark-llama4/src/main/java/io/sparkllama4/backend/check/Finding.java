package io.sparkllama4.backend.check;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;

/// What a check found.
///
/// @param status how it ended
/// @param text for people: what was seen, and what was expected where that is not it
/// @param figures by name, in the order of their making, each finite
public record Finding(Status status, String text, SequencedMap<String, Double> figures) {
  /// How a check ends.
  public enum Status {
    /// All was as expected.
    PASSED,
    /// Something was not.
    FAILED,
    /// Nobody looked, for the reason that the finding names.
    SKIPPED
  }

  /// Keeps its own copy.
  ///
  /// @throws IllegalArgumentException where a figure is not finite
  public Finding {
    for (Map.Entry<String, Double> figure : figures.entrySet()) {
      if (!Double.isFinite(figure.getValue())) {
        throw new IllegalArgumentException(
            "The figure [" + figure.getKey() + "] is [" + figure.getValue() + "]");
      }
    }
    figures = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(figures));
  }

  private static Finding of(Status status, String text) {
    return new Finding(status, text, new LinkedHashMap<>());
  }

  /// All was as expected.
  public static Finding passed(String text) {
    return of(Status.PASSED, text);
  }

  /// Something was not.
  public static Finding failed(String text) {
    return of(Status.FAILED, text);
  }

  /// Nobody looked.
  ///
  /// @param reason what was missing, and what would help
  public static Finding skipped(String reason) {
    return of(Status.SKIPPED, reason);
  }

  /// Passed where `holds`, else failed; the same words either way.
  public static Finding that(boolean holds, String text) {
    return holds ? passed(text) : failed(text);
  }

  /// The same with one more figure.
  public Finding with(String name, double value) {
    SequencedMap<String, Double> more = new LinkedHashMap<>(figures);
    more.put(name, value);
    return new Finding(status, text, more);
  }
}
