package io.sparkllama4.text.jinja;

/// A compiled expression. It holds no state of a rendering.
@FunctionalInterface
interface Expression {
  Object in(Session session);
}
