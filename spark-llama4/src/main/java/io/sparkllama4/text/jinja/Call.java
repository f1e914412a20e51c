package io.sparkllama4.text.jinja;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A call, to which a tag may add the macro `caller`.
record Call(Expression callee, Given arguments) implements Expression {
  /// What a call passes.
  record Given(List<Expression> positional, Map<String, Expression> keywords) {
    Arguments in(Session session) {
      Map<String, Object> values = new LinkedHashMap<>();
      keywords.forEach((name, value) -> values.put(name, value.in(session)));
      return new Arguments(Expression.all(session, positional), values);
    }
  }

  @Override
  public Object in(Session session) {
    return in(session, Map.of());
  }

  Object in(Session session, Map<String, Object> more) {
    session.step();
    Object target = callee.in(session);
    Arguments given = arguments.in(session);
    Map<String, Object> keywords = new LinkedHashMap<>(given.keywords());
    keywords.putAll(more);
    return Values.call(session, target, new Arguments(given.positional(), keywords));
  }
}
