package io.sparkllama4.text.jinja;

import java.io.Serial;

/// A rendering that failed. The message names what the template does and the types that it met,
/// never the text of an input; what a template says itself with `raise_exception` is told as it is.
public final class TemplateException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  /// Fails with `message`.
  public TemplateException(String message) {
    super(message);
  }
}
