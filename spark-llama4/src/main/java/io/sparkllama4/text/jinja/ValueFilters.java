package io.sparkllama4.text.jinja;

import io.sparkllama4.text.jinja.Arguments.Bound;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// Filters of single values: numbers, defaults, JSON.
final class ValueFilters {
  static final Map<String, Filters.Body> FILTERS =
      Map.ofEntries(
          Map.entry("abs", SequenceFilters.plain((session, input) -> absolute(input))),
          Map.entry("attr", ValueFilters::attribute),
          Map.entry("d", ValueFilters::otherwise),
          Map.entry("default", ValueFilters::otherwise),
          Map.entry("float", ValueFilters::real),
          Map.entry("int", ValueFilters::integer),
          Map.entry("round", ValueFilters::round),
          Map.entry("tojson", Json::text));

  /// Python reads no integer that is longer.
  private static final int LONGEST_INTEGER = 4300;

  private ValueFilters() {}

  private static Object absolute(Object input) {
    if (input instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (!Values.isNumber(input)) {
      throw new TemplateException("bad operand type for abs(): '" + Values.typeName(input) + "'");
    }
    return Arithmetic.absolute(input);
  }

  private static Object attribute(Session session, Object input, Arguments arguments) {
    if (input instanceof Undefined undefined) {
      throw undefined.failure();
    }
    String name = session.plain(arguments.bind("attr", "name").text("name"));
    return Lookup.method(session, input, name);
  }

  private static Object otherwise(Session session, Object input, Arguments arguments) {
    Bound bound = arguments.bind("default", "default_value", "boolean");
    boolean missing =
        input instanceof Undefined || (bound.truth("boolean") && !Values.truth(input));
    return missing ? bound.value("default_value", "") : input;
  }

  private static Object real(Session session, Object input, Arguments arguments) {
    Object otherwise = arguments.bind("float", "default").value("default", 0.0);
    if (input instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (Values.isNumber(input)) {
      return Arithmetic.real(input);
    }
    return input instanceof String text
        ? parseReal(digits(session.plain(text))).map(Object.class::cast).orElse(otherwise)
        : otherwise;
  }

  private static Object integer(Session session, Object input, Arguments arguments) {
    Bound bound = arguments.bind("int", "default", "base");
    Object otherwise = bound.value("default", 0L);
    return switch (input) {
      case Undefined undefined -> throw undefined.failure();
      case Double number -> Double.isNaN(number) ? otherwise : Arithmetic.truncate(number);
      case String text -> {
        String plain = digits(session.plain(text));
        yield parseInteger(plain, bound.integer("base", 10))
            .or(
                () ->
                    parseReal(plain)
                        .filter(real -> !Double.isNaN(real) && !Double.isInfinite(real))
                        .map(Arithmetic::truncate))
            .orElse(otherwise);
      }
      default -> Values.isInteger(input) ? Arithmetic.integer(Arithmetic.big(input)) : otherwise;
    };
  }

  /// A number's text without white space around it, its digits those of ASCII.
  private static String digits(String text) {
    StringBuilder digits = new StringBuilder();
    Characters.strip(text)
        .codePoints()
        .map(c -> Character.isDigit(c) ? '0' + Character.digit(c, 10) : c)
        .forEach(digits::appendCodePoint);
    return digits.toString();
  }

  private static Optional<Object> parseInteger(String text, int base) {
    String digits = text.replaceFirst("^[+-]", "");
    String prefix = base == 16 ? "0x" : base == 8 ? "0o" : base == 2 ? "0b" : " ";
    if (digits.regionMatches(true, 0, prefix, 0, 2)) {
      digits = digits.substring(2);
    }
    if (digits.length() > LONGEST_INTEGER) {
      return Optional.empty();
    }
    if (!digits.matches("[0-9A-Za-z]++(?:_[0-9A-Za-z]++)*+") || base < 2 || base > 36) {
      return Optional.empty();
    }
    try {
      BigInteger size = new BigInteger(digits.replace("_", ""), base);
      return Optional.of(Arithmetic.integer(text.startsWith("-") ? size.negate() : size));
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  private static Optional<Double> parseReal(String text) {
    String plain = text.toLowerCase(Locale.ROOT);
    String size = plain.replaceFirst("^[+-]", "");
    double sign = plain.startsWith("-") ? -1 : 1;
    if (size.equals("nan")) {
      return Optional.of(Double.NaN);
    }
    if (size.equals("inf") || size.equals("infinity")) {
      return Optional.of(sign * Double.POSITIVE_INFINITY);
    }
    String digits = "[0-9]++(?:_[0-9]++)*+";
    String pattern = "(?:" + digits + "\\.?(?:" + digits + ")?|\\." + digits + ")";
    return size.matches(pattern + "(?:e[+-]?" + digits + ")?")
        ? Optional.of(sign * Double.parseDouble(size.replace("_", "")))
        : Optional.empty();
  }

  private static Object round(Session session, Object input, Arguments arguments) {
    Bound bound = arguments.bind("round", "precision", "method");
    int precision = Math.clamp(bound.integer("precision", 0), -400, 400);
    Object method = bound.value("method", "common");
    if (input instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (!Values.isNumber(input)) {
      throw new TemplateException("'" + Values.typeName(input) + "' cannot be rounded");
    }
    if (method.equals("common")) {
      return common(input, precision);
    }
    if (!method.equals("ceil") && !method.equals("floor")) {
      throw new TemplateException("method must be common, ceil or floor");
    }
    Object scale = Arithmetic.power(10L, (long) precision);
    Object scaled = Arithmetic.multiply(input, scale);
    if (scaled instanceof Double real) {
      scaled = Arithmetic.truncate(method.equals("ceil") ? Math.ceil(real) : Math.floor(real));
    }
    return Arithmetic.divide(scaled, scale);
  }

  /// The nearest, the even one of two; of an integer an integer.
  private static Object common(Object input, int precision) {
    if (!(input instanceof Double number)) {
      return precision >= 0
          ? Arithmetic.integer(Arithmetic.big(input))
          : Arithmetic.integer(
              new BigDecimal(Arithmetic.big(input))
                  .setScale(precision, RoundingMode.HALF_EVEN)
                  .toBigInteger());
    }
    if (Double.isNaN(number) || Double.isInfinite(number)) {
      return number;
    }
    double rounded =
        new BigDecimal(number).setScale(precision, RoundingMode.HALF_EVEN).doubleValue();
    return Math.copySign(rounded, number);
  }
}
