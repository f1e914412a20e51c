package io.sparkllama4.text.jinja;

import java.util.ArrayList;
import java.util.List;

/// Python's arithmetic on integers within `long`, floats, texts and lists. What leaves `long` is
/// refused.
final class Arithmetic {
  private Arithmetic() {}

  static Object apply(Session session, String operator, Object a, Object b) {
    if (operator.equals("~")) {
      String left = Representation.text(session, a);
      return session.made(left + Representation.text(session, b));
    }
    if (operator.equals("+") && a instanceof String left && b instanceof String right) {
      session.charge(0L + left.length() + right.length());
      return left + right;
    }
    if (operator.equals("+") && a instanceof List<?> left && b instanceof List<?> right) {
      session.items(0L + left.size() + right.size());
      List<Object> sum = new ArrayList<>(left);
      sum.addAll(right);
      return sum;
    }
    if (operator.equals("*") && a instanceof String text && Values.isInteger(b)) {
      int count = Math.max(0, Values.index(b));
      session.charge((long) text.length() * count);
      return text.repeat(count);
    }
    if (operator.equals("*") && a instanceof List<?> items && Values.isInteger(b)) {
      int count = Math.max(0, Values.index(b));
      session.items((long) items.size() * count);
      List<Object> product = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        product.addAll(items);
      }
      return product;
    }
    try {
      return a instanceof Double || b instanceof Double || operator.equals("/")
          ? reals(operator, real(a), real(b))
          : integers(operator, integer(a), integer(b));
    } catch (ArithmeticException e) {
      throw new TemplateException("A division by zero, or an integer beyond 64 bits");
    }
  }

  private static long integer(Object value) {
    return switch (value) {
      case Boolean truth -> truth ? 1 : 0;
      case Long number -> number;
      case Undefined(String message) -> throw new TemplateException(message);
      default ->
          throw new TemplateException(
              "The operator takes no '"
                  + Values.typeName(value)
                  + "' here (int, float; + also two"
                  + " str or two list; * also a str or list and an int)");
    };
  }

  static double real(Object value) {
    return value instanceof Double number ? number : integer(value);
  }

  private static Object integers(String operator, long a, long b) {
    return switch (operator) {
      case "+", "pos" -> Math.addExact(a, b);
      case "-", "neg" -> Math.subtractExact(a, b);
      case "*" -> Math.multiplyExact(a, b);
      case "//" -> Math.floorDiv(a, b);
      case "%" -> Math.floorMod(a, b);
      default -> b < 0 ? (Object) Math.pow((double) a, (double) b) : power(a, b);
    };
  }

  private static long power(long base, long exponent) {
    long power = 1;
    for (long i = 0; i < exponent && (base > 1 || base < -1); i++) {
      power = Math.multiplyExact(power, base);
    }
    return base == 0 && exponent > 0 ? 0 : base == -1 && exponent % 2 != 0 ? -1 : power;
  }

  private static double reals(String operator, double a, double b) {
    if (b == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
      throw new TemplateException("division by zero");
    }
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "neg" -> -b;
      case "pos" -> b;
      case "*" -> a * b;
      case "/" -> a / b;
      case "//" -> floor(a, b);
      case "%" -> modulo(a, b);
      default -> {
        double power = Math.pow(a, b);
        if (!Double.isFinite(power)) {
          throw new TemplateException("A power is no finite real number");
        }
        yield power;
      }
    };
  }

  /// As CPython divides floats: exact remainder first, then the nearest whole number.
  private static double floor(double a, double b) {
    double remainder = a % b;
    double quotient = (a - remainder) / b;
    if (remainder != 0 && (b < 0) != (remainder < 0)) {
      quotient -= 1;
    }
    double floor = Math.floor(quotient);
    return quotient == 0 ? Math.copySign(0.0, a / b) : quotient - floor > 0.5 ? floor + 1 : floor;
  }

  /// What is left has the sign of the divisor.
  private static double modulo(double a, double b) {
    double remainder = a % b;
    return remainder == 0
        ? Math.copySign(0.0, b)
        : (remainder < 0) == (b < 0) ? remainder : remainder + b;
  }
}
