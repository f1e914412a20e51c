package io.sparkllama4.text.jinja;

import java.math.BigDecimal;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Python's `==`, `<` and `in`.
final class Comparing {
  private Comparing() {}

  /// One relation of a chain such as `0 < x <= 9`, with what stands to its right.
  record Link(String relation, Expression right) {}

  /// Whether all relations of a chain hold; what stands behind one that does not is not evaluated.
  static boolean chain(Session session, Expression first, List<Link> chain) {
    Object left = first.in(session);
    for (Link link : chain) {
      Object right = link.right().in(session);
      if (!holds(session, link.relation(), left, right)) {
        return false;
      }
      left = right;
    }
    return true;
  }

  static boolean holds(Session session, String relation, Object left, Object right) {
    return switch (relation) {
      case "==" -> equal(session, left, right);
      case "!=" -> !equal(session, left, right);
      case "in" -> contains(session, right, left);
      case "not in" -> !contains(session, right, left);
      case "<" -> order(session, left, right) < 0;
      case "<=" -> order(session, left, right) <= 0;
      case ">" -> order(session, left, right) > 0;
      default -> order(session, left, right) >= 0;
    };
  }

  static boolean equal(Session session, Object left, Object right) {
    session.step();
    if (left instanceof String a && right instanceof String b) {
      return session.plain(a).equals(session.plain(b));
    }
    if (isNumber(left) && isNumber(right)) {
      return number(left).compareTo(number(right)) == 0;
    }
    if (left instanceof Map<?, ?> a && right instanceof Map<?, ?> b) {
      return equalDicts(session, a, b);
    }
    List<?> a = items(left);
    List<?> b = items(right);
    if (a == null || b == null || left instanceof Tuple != right instanceof Tuple) {
      return left.equals(right) || (left instanceof Undefined && right instanceof Undefined);
    }
    session.enter();
    boolean equal = a.size() == b.size();
    for (int i = 0; equal && i < a.size(); i++) {
      equal = equal(session, a.get(i), b.get(i));
    }
    session.leave();
    return equal;
  }

  private static @Nullable List<?> items(Object value) {
    return value instanceof Tuple tuple ? tuple.items() : value instanceof List<?> l ? l : null;
  }

  static boolean isNumber(Object value) {
    return Values.isInteger(value) || value instanceof Double;
  }

  private static BigDecimal number(Object value) {
    return switch (value) {
      case Boolean truth -> truth ? BigDecimal.ONE : BigDecimal.ZERO;
      case Double real when !Double.isFinite(real) ->
          throw new TemplateException("Numbers that are infinite or none cannot be compared");
      case Double real -> new BigDecimal(real);
      default -> new BigDecimal(value.toString());
    };
  }

  private static boolean equalDicts(Session session, Map<?, ?> a, Map<?, ?> b) {
    session.enter();
    boolean equal = a.size() == b.size();
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
      case Double real when real == Math.rint(real) -> map.get(real.longValue());
      default -> null;
    };
  }

  static boolean contains(Session session, Object container, Object item) {
    if (container instanceof String text) {
      String part = Arguments.text(item);
      session.search(text, part);
      return session.plain(text).contains(session.plain(part));
    }
    if (container instanceof Map<?, ?> map) {
      return find(session, map, Values.key(item)) != null;
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
  static int order(Session session, Object left, Object right) {
    session.step();
    if (isNumber(left) && isNumber(right)) {
      return number(left).compareTo(number(right));
    }
    if (left instanceof String a && right instanceof String b) {
      // By code point, as Python does; compareTo puts surrogates too low.
      return Arrays.compare(
          session.plain(a).codePoints().toArray(), session.plain(b).codePoints().toArray());
    }
    List<?> a = items(left);
    List<?> b = items(right);
    if (a == null || b == null || left instanceof Tuple != right instanceof Tuple) {
      throw new TemplateException(
          "'<' not supported between instances of '"
              + Values.typeName(left)
              + "' and '"
              + Values.typeName(right)
              + "'");
    }
    session.enter();
    int order = Integer.compare(a.size(), b.size());
    for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
      if (!equal(session, a.get(i), b.get(i))) {
        order = order(session, a.get(i), b.get(i));
        break;
      }
    }
    session.leave();
    return order;
  }
}
