package io.sparkllama4.text.jinja;

/// What a template can call: a macro, a global function, a method of a value.
interface Callable {
  /// Its name in complaints.
  String name();

  Object call(Session session, Arguments arguments);
}
