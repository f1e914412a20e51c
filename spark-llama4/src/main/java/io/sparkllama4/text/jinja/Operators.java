package io.sparkllama4.text.jinja;

import io.sparkllama4.text.jinja.Expression.Operator;
import java.util.ArrayList;
import java.util.List;

/// Python's arithmetic operators, for numbers, texts and lists.
final class Operators {
  private Operators() {}

  static Object signed(Operator sign, Object value) {
    if (value instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (!Values.isNumber(value)) {
      throw new TemplateException(
          "bad operand type for unary " + sign.symbol() + ": '" + Values.typeName(value) + "'");
    }
    if (sign == Operator.SUBTRACT) {
      return Arithmetic.negate(value);
    }
    return value instanceof Double ? value : Arithmetic.integer(Arithmetic.big(value));
  }

  static Object apply(Session session, Operator operator, Object left, Object right) {
    if (operator == Operator.MODULO && left instanceof String format) {
      return session.made(new PercentFormat(session, format, right).text());
    }
    if (Values.isNumber(left) && Values.isNumber(right)) {
      return switch (operator) {
        case ADD -> Arithmetic.add(left, right);
        case SUBTRACT -> Arithmetic.subtract(left, right);
        case MULTIPLY -> Arithmetic.multiply(left, right);
        case DIVIDE -> Arithmetic.divide(left, right);
        case FLOOR_DIVIDE -> Arithmetic.floorDivide(left, right);
        case MODULO -> Arithmetic.modulo(left, right);
        case POWER -> Arithmetic.power(left, right);
      };
    }
    if (left instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (right instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (operator == Operator.ADD) {
      return concatenate(session, left, right);
    }
    if (operator == Operator.MULTIPLY && Values.isInteger(right)) {
      return repeat(session, left, Values.index(right), right);
    }
    if (operator == Operator.MULTIPLY && Values.isInteger(left)) {
      return repeat(session, right, Values.index(left), left);
    }
    throw unsupported(operator, left, right);
  }

  private static Object concatenate(Session session, Object left, Object right) {
    if (left instanceof String a && right instanceof String b) {
      session.charge(0L + a.length() + b.length());
      return a + b;
    }
    if (left instanceof List<?> a && right instanceof List<?> b) {
      return joined(session, a, b);
    }
    if (left instanceof Tuple(var a) && right instanceof Tuple(var b)) {
      return new Tuple(joined(session, a, b));
    }
    throw unsupported(Operator.ADD, left, right);
  }

  private static List<Object> joined(Session session, List<?> a, List<?> b) {
    session.items(0L + a.size() + b.size());
    List<Object> joined = new ArrayList<>(a);
    joined.addAll(b);
    return joined;
  }

  private static Object repeat(Session session, Object value, int times, Object count) {
    int repeats = Math.max(0, times);
    return switch (value) {
      case String text -> {
        session.charge((long) text.length() * repeats);
        yield text.repeat(repeats);
      }
      case List<?> list -> repeated(session, list, repeats);
      case Tuple(var items) -> new Tuple(repeated(session, items, repeats));
      default -> throw unsupported(Operator.MULTIPLY, value, count);
    };
  }

  private static List<Object> repeated(Session session, List<?> items, int times) {
    session.items((long) items.size() * times);
    List<Object> repeated = new ArrayList<>(items.size() * times);
    for (int i = 0; i < times && !items.isEmpty(); i++) {
      repeated.addAll(items);
    }
    return repeated;
  }

  private static TemplateException unsupported(Operator operator, Object left, Object right) {
    return new TemplateException(
        "unsupported operand type(s) for "
            + operator.symbol()
            + ": '"
            + Values.typeName(left)
            + "' and '"
            + Values.typeName(right)
            + "'");
  }
}
