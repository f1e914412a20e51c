package io.sparkllama4.text.jinja;

import java.io.Serial;

/// A template that cannot be understood.
public final class TemplateSyntaxException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  /// Complains of a line of the template, counted from 1.
  public TemplateSyntaxException(String message, int line) {
    super(message + " (line " + line + ")");
  }
}
