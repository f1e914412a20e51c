package io.sparkllama4.text.jinja;

import io.sparkllama4.text.jinja.Expression.Relation;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Python's `==`, `<` and `in`.
final class Comparing {
  private Comparing() {}

  static boolean holds(Session session, Relation relation, Object left, Object right) {
    return switch (relation) {
      case EQUAL -> equal(session, left, right);
      case NOT_EQUAL -> !equal(session, left, right);
      case IN -> contains(session, right, left);
      case NOT_IN -> !contains(session, right, left);
      case LESS -> order(session, left, right, "<") < 0;
      case LESS_OR_EQUAL -> ordered(left, right) && order(session, left, right, "<=") <= 0;
      case GREATER -> ordered(left, right) && order(session, left, right, ">") > 0;
      case GREATER_OR_EQUAL -> ordered(left, right) && order(session, left, right, ">=") >= 0;
    };
  }

  /// NaN is in no order; [Double#compare] would put it last.
  private static boolean ordered(Object left, Object right) {
    return !(left instanceof Double a && a.isNaN()) && !(right instanceof Double b && b.isNaN());
  }

  static boolean equal(Session session, Object left, Object right) {
    session.step();
    if (left instanceof String a && right instanceof String b) {
      return session.plain(a).equals(session.plain(b));
    }
    if (Values.isNumber(left) && Values.isNumber(right)) {
      return ordered(left, right) && Arithmetic.compare(left, right) == 0;
    }
    if (left instanceof List<?> a && right instanceof List<?> b) {
      return equalItems(session, a, b);
    }
    if (left instanceof Tuple(var a) && right instanceof Tuple(var b)) {
      return equalItems(session, a, b);
    }
    if (left instanceof Map<?, ?> a && right instanceof Map<?, ?> b) {
      return equalDicts(session, a, b);
    }
    if (left instanceof Undefined && right instanceof Undefined) {
      return true;
    }
    return left instanceof Span ? left.equals(right) : same(left, right);
  }

  /// Python's `is`.
  @SuppressWarnings("ReferenceEquality")
  static boolean same(Object left, Object right) {
    return left == right;
  }

  private static boolean equalItems(Session session, List<?> a, List<?> b) {
    if (a.size() != b.size()) {
      return false;
    }
    session.enter();
    boolean equal = true;
    for (int i = 0; i < a.size() && equal; i++) {
      equal = equal(session, a.get(i), b.get(i));
    }
    session.leave();
    return equal;
  }

  private static boolean equalDicts(Session session, Map<?, ?> a, Map<?, ?> b) {
    if (a.size() != b.size()) {
      return false;
    }
    session.enter();
    boolean equal = true;
    for (Map.Entry<?, ?> entry : a.entrySet()) {
      Object other = find(session, b, entry.getKey());
      equal = equal && other != null && equal(session, entry.getValue(), other);
    }
    session.leave();
    return equal;
  }

  /// The value of a key that is equal to `key`, whatever form of number or text it has.
  static @Nullable Object find(Session session, Map<?, ?> map, Object key) {
    Object found = map.get(key);
    if (found != null) {
      return found;
    }
    return switch (key) {
      case String text -> map.get(session.plain(text));
      case Boolean truth -> map.get(truth ? 1L : 0L);
      case Double number when number == Math.rint(number) -> map.get(number.longValue());
      case Long number when number == 0 || number == 1 -> map.get(number == 1);
      default -> null;
    };
  }

  static boolean contains(Session session, Object container, Object item) {
    if (container instanceof String text) {
      if (item instanceof String part) {
        session.search(text, part);
        return session.plain(text).contains(session.plain(part));
      }
      throw new TemplateException(
          "'in <string>' requires string as left operand, not " + Values.typeName(item));
    }
    if (container instanceof Map<?, ?> map) {
      return find(session, map, Values.key(item)) != null;
    }
    if (!Values.isIterable(container)) {
      throw new TemplateException(
          "argument of type '" + Values.typeName(container) + "' is not iterable");
    }
    Iterator<Object> items = Values.iterate(container);
    while (items.hasNext()) {
      if (equal(session, items.next(), item)) {
        return true;
      }
    }
    return false;
  }

  /// Negative where `left` comes first.
  ///
  /// @param symbol what the template writes, for complaints
  static int order(Session session, Object left, Object right, String symbol) {
    session.step();
    if (Values.isNumber(left) && Values.isNumber(right)) {
      return ordered(left, right) ? Arithmetic.compare(left, right) : 1;
    }
    if (left instanceof String a && right instanceof String b) {
      return Characters.compare(session.plain(a), session.plain(b));
    }
    if (left instanceof List<?> a && right instanceof List<?> b) {
      return orderItems(session, a, b, symbol);
    }
    if (left instanceof Tuple(var a) && right instanceof Tuple(var b)) {
      return orderItems(session, a, b, symbol);
    }
    if (left instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (right instanceof Undefined undefined) {
      throw undefined.failure();
    }
    throw new TemplateException(
        "'"
            + symbol
            + "' not supported between instances of '"
            + Values.typeName(left)
            + "' and '"
            + Values.typeName(right)
            + "'");
  }

  private static int orderItems(Session session, List<?> a, List<?> b, String symbol) {
    int shared = Math.min(a.size(), b.size());
    session.enter();
    int order = Integer.compare(a.size(), b.size());
    for (int i = 0; i < shared; i++) {
      if (!equal(session, a.get(i), b.get(i))) {
        order = order(session, a.get(i), b.get(i), symbol);
        break;
      }
    }
    session.leave();
    return order;
  }
}
