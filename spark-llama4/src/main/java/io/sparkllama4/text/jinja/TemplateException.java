package io.sparkllama4.text.jinja;

import com.hubspot.jinjava.interpret.InterpretException;

/// A rendering that failed, or that the template itself refused; the message is the template's.
public final class TemplateException extends InterpretException {
  private static final long serialVersionUID = 1L;

  TemplateException(String message) {
    super(message);
  }
}
