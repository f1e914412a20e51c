package io.sparkllama4.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/// jinja2's filters. Jinjava has most of the names too, but coerces, prints and orders Java's
/// values.
final class Filters {
  static final Map<String, Filter> ALL = all();

  private static final Pattern INTEGER = Pattern.compile("[+-]?[0-9]{1,18}");
  private static final Pattern REAL =
      Pattern.compile("[+-]?(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?");

  private Filters() {}

  /// A filter.
  interface Filter {
    Object apply(Session session, Object input, Arguments arguments);
  }

  private static Map<String, Filter> all() {
    Map<String, Filter> filters = new HashMap<>(Sequences.FILTERS);
    text(filters, "capitalize", Methods::capitalize);
    text(filters, "lower", text -> text.toLowerCase(Locale.ROOT));
    text(filters, "upper", text -> text.toUpperCase(Locale.ROOT));
    filters.put("title", Filters::title);
    text(filters, "string", UnaryOperator.identity());
    text(filters, "safe", UnaryOperator.identity());
    filters.put("e", Filters::escape);
    filters.put("escape", Filters::escape);
    filters.put("trim", (s, in, a) -> Methods.strip(s, Representation.text(s, in), a, true, true));
    filters.put("replace", Filters::replace);
    filters.put("indent", Filters::indent);
    filters.put("tojson", Json::text);
    filters.put("default", Filters::otherwise);
    filters.put("d", Filters::otherwise);
    filters.put("abs", Filters::absolute);
    filters.put("int", Filters::integer);
    filters.put("float", Filters::real);
    filters.put("round", Filters::round);
    return Map.copyOf(filters);
  }

  private static void text(Map<String, Filter> filters, String name, UnaryOperator<String> change) {
    filters.put(
        name,
        (s, input, arguments) -> {
          arguments.bind();
          return s.made(change.apply(Representation.text(s, input)));
        });
  }

  static Object apply(Session session, String name, Object input, Arguments arguments) {
    Filter filter = ALL.get(session.plain(name));
    if (filter == null) {
      throw new TemplateException("Unknown filter; known are " + ALL.keySet());
    }
    session.step();
    return filter.apply(session, input, arguments);
  }

  private static Object absolute(Session session, Object input, Arguments arguments) {
    arguments.bind();
    return input instanceof Double real
        ? (Object) Math.abs(real)
        : Arithmetic.apply(
            session, Comparing.order(session, input, 0L) < 0 ? "neg" : "pos", 0L, input);
  }

  /// Unlike the method of the same name, begins a word behind white space, `-` and brackets only.
  private static Object title(Session session, Object input, Arguments arguments) {
    arguments.bind();
    String text = Representation.text(session, input);
    StringBuilder title = new StringBuilder();
    int from = 0;
    while (from < text.length()) {
      int to = from;
      while (to < text.length() && !isBorder(session.plain(text.codePointAt(to)))) {
        to = text.offsetByCodePoints(to, 1);
      }
      int first = Math.min(to, from + Character.charCount(text.codePointAt(from)));
      title.append(text.substring(from, first).toUpperCase(Locale.ROOT));
      title.append(text.substring(first, to).toLowerCase(Locale.ROOT));
      from = Math.min(to + 1, text.length());
      title.append(text, to, from);
    }
    return session.made(title.toString());
  }

  private static boolean isBorder(int c) {
    return Values.isSpace(c) || "-({[<".indexOf(c) >= 0;
  }

  private static Object escape(Session session, Object input, Arguments arguments) {
    arguments.bind();
    StringBuilder escaped = new StringBuilder();
    for (int shown : Representation.text(session, input).codePoints().toArray()) {
      switch (session.plain(shown)) {
        case '&' -> escaped.append("&amp;");
        case '<' -> escaped.append("&lt;");
        case '>' -> escaped.append("&gt;");
        case '"' -> escaped.append("&#34;");
        case '\'' -> escaped.append("&#39;");
        default -> escaped.appendCodePoint(shown);
      }
    }
    return session.made(escaped.toString());
  }

  private static Object replace(Session session, Object input, Arguments arguments) {
    Object[] given = arguments.bind("old", "new", "count");
    Object old = Representation.text(session, given[0]);
    Object with = Representation.text(session, given[1]);
    Arguments texts = new Arguments(List.of(old, with, given[2]), Map.of());
    return Methods.replace(session, Representation.text(session, input), texts);
  }

  private static Object indent(Session session, Object input, Arguments arguments) {
    Object[] given = arguments.bind("width", "first", "blank");
    String by =
        given[0] instanceof String text
            ? text
            : (String) Arithmetic.apply(session, "*", " ", (long) Arguments.integer(given[0], 4));
    StringBuilder indented = new StringBuilder();
    List<Object> lines = Methods.lines(session, Arguments.text(input) + "\n", false);
    for (int i = 0; i < lines.size(); i++) {
      String line = (String) lines.get(i);
      boolean indent = i == 0 ? Values.truth(given[1]) : Values.truth(given[2]) || !line.isEmpty();
      session.fit(0L + indented.length() + by.length() + line.length());
      indented.append(i == 0 ? "" : "\n").append(indent ? by : "").append(line);
    }
    return session.made(indented.toString());
  }

  private static Object otherwise(Session session, Object input, Arguments arguments) {
    Object[] given = arguments.bind("default_value", "boolean");
    boolean missing =
        input instanceof Undefined || (Values.truth(given[1]) && !Values.truth(input));
    return missing ? Arguments.or(given[0], "") : input;
  }

  /// A number's text without white space around it, its digits those of ASCII.
  private static String digits(Session session, String text) {
    StringBuilder digits = new StringBuilder();
    Values.strip(session.plain(text), true, true)
        .codePoints()
        .map(c -> Character.isDigit(c) ? '0' + Character.digit(c, 10) : c)
        .forEach(digits::appendCodePoint);
    return digits.toString();
  }

  private static Object real(Session session, Object input, Arguments arguments) {
    Object otherwise = Arguments.or(arguments.bind("default")[0], 0.0);
    return switch (input) {
      case String text -> {
        String plain = digits(session, text);
        yield REAL.matcher(plain).matches() ? Double.valueOf(plain) : otherwise;
      }
      case Undefined(String message) -> throw new TemplateException(message);
      default -> Comparing.isNumber(input) ? Arithmetic.real(input) : otherwise;
    };
  }

  private static Object integer(Session session, Object input, Arguments arguments) {
    Object otherwise = Arguments.or(arguments.bind("default")[0], 0L);
    if (Values.isInteger(input)) {
      return Arithmetic.apply(session, "+", input, 0L);
    }
    if (input instanceof String text) {
      String plain = digits(session, text);
      if (INTEGER.matcher(plain).matches()) {
        return Long.valueOf(plain);
      }
    }
    Object real = real(session, input, new Arguments(List.of(None.NONE), Map.of()));
    if (!(real instanceof Double number)) {
      return otherwise;
    }
    if (Double.isInfinite(number) || Double.isNaN(number)) {
      return otherwise;
    }
    BigInteger whole = new BigDecimal(number).toBigInteger();
    return Values.integer(whole);
  }

  private static Object round(Session session, Object input, Arguments arguments) {
    Object[] given = arguments.bind("precision", "method");
    int precision = Math.clamp(Arguments.integer(given[0], 0), -300, 300);
    String method = Arguments.text(Arguments.or(given[1], "common"));
    if (Values.isInteger(input) && precision >= 0 && method.equals("common")) {
      return Arithmetic.apply(session, "pos", 0L, input);
    }
    double real = Arithmetic.real(input);
    double scale = Math.pow(10, precision);
    return switch (method) {
      case "common" -> {
        BigDecimal exact = new BigDecimal(real).setScale(precision, RoundingMode.HALF_EVEN);
        boolean whole = Values.isInteger(input);
        yield whole ? (Object) exact.longValue() : Math.copySign(exact.doubleValue(), real);
      }
      case "floor" -> Math.floor(real * scale) / scale + 0.0;
      case "ceil" -> Math.ceil(real * scale) / scale + 0.0;
      default -> throw new TemplateException("method must be common, ceil or floor");
    };
  }
}
