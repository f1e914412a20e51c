package io.sparkllama4.text.jinja;

/// A function that is not the template's own.
///
/// @param name its name
/// @param body what it does
record Builtin(String name, Body body) implements Callable {
  /// What a function does.
  @FunctionalInterface
  interface Body {
    Object call(Session session, Arguments arguments);
  }

  @Override
  public Object call(Session session, Arguments arguments) {
    return body.call(session, arguments);
  }
}
