package io.sparkllama4.text.jinja;

/// What a template can call.
@FunctionalInterface
interface Callable {
  Object call(Session session, Arguments arguments);
}
