package io.sparkllama4.examples.tickets;

import java.util.Locale;

/// How soon the customer wants an answer, normalised from many wordings in all languages.
public enum Priority {
  LOW,
  NORMAL,
  HIGH;

  /// The value in the extracted fields.
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
