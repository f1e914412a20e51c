package io.sparkllama4.text.jinja;

import java.util.ArrayList;
import java.util.List;

/// A compiled expression. It holds no state of a rendering.
@FunctionalInterface
interface Expression {
  Object in(Session session);

  /// The values of some expressions, one after the other.
  static List<Object> all(Session session, List<Expression> expressions) {
    session.items(expressions.size());
    List<Object> values = new ArrayList<>();
    expressions.forEach(expression -> values.add(expression.in(session)));
    return values;
  }
}
