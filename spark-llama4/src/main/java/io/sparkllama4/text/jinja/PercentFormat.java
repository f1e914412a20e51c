package io.sparkllama4.text.jinja;

import java.math.BigInteger;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Python's `format % values`.
final class PercentFormat {
  private final Session session;
  private final String shown;
  private final String format;
  private final Object values;
  private final Iterator<Object> positional;
  private final StringBuilder text = new StringBuilder();
  private int position;
  private boolean named;

  PercentFormat(Session session, String format, Object values) {
    this.session = session;
    this.shown = format;
    this.format = session.plain(format);
    this.values = values;
    this.positional =
        values instanceof Tuple(var items) ? items.iterator() : List.of(values).iterator();
  }

  /// What one `%` asks for.
  private record Directive(String flags, int width, int precision, char type) {
    boolean has(char flag) {
      return flags.indexOf(flag) >= 0;
    }
  }

  String text() {
    while (position < format.length()) {
      int percent = format.indexOf('%', position);
      int end = percent < 0 ? format.length() : percent;
      text.append(shown, position, end);
      position = end;
      if (percent >= 0) {
        directive();
      }
      session.fit(text.length());
    }
    // Python lets what has items, save a tuple, be more than the format asks for.
    boolean single =
        values instanceof Map<?, ?> || values instanceof List<?> || values instanceof Undefined;
    if (positional.hasNext() && !named && !single) {
      throw new TemplateException("not all arguments converted during string formatting");
    }
    return text.toString();
  }

  private void directive() {
    position++;
    Iterator<Object> source = positional;
    if (peek() == '(') {
      int close = format.indexOf(')', position);
      if (close < 0 || !(values instanceof Map<?, ?> map)) {
        throw new TemplateException("format requires a mapping");
      }
      Object value = Comparing.find(session, map, format.substring(position + 1, close));
      if (value == null) {
        throw new TemplateException("A format names a key that the mapping lacks");
      }
      source = List.of(value).iterator();
      named = true;
      position = close + 1;
    }
    int start = position;
    while ("#0- +".indexOf(peek()) >= 0) {
      position++;
    }
    String flags = format.substring(start, position);
    int width = number();
    int precision = -1;
    if (peek() == '.') {
      position++;
      precision = Math.max(0, number());
    }
    while ("hlL".indexOf(peek()) >= 0) {
      position++;
    }
    char type = peek();
    position++;
    if (width < 0 && !flags.contains("-")) {
      flags += "-";
    }
    Directive directive = new Directive(flags, Math.abs(width), precision, type);
    if (type == '%') {
      text.append('%');
    } else {
      text.append(padded(converted(next(source), directive), directive));
    }
  }

  private char peek() {
    if (position >= format.length()) {
      throw new TemplateException("incomplete format");
    }
    return format.charAt(position);
  }

  private int number() {
    if (peek() == '*') {
      position++;
      return Values.index(next(positional));
    }
    long number = 0;
    while (Character.isDigit(peek())) {
      number = Math.min(number * 10 + peek() - '0', Integer.MAX_VALUE);
      position++;
    }
    return (int) number;
  }

  private static Object next(Iterator<Object> values) {
    if (!values.hasNext()) {
      throw new TemplateException("not enough arguments for format string");
    }
    return values.next();
  }

  private String converted(Object value, Directive directive) {
    return switch (directive.type()) {
      case 's' -> cut(Representation.text(session, value), directive);
      case 'r', 'a' -> cut(Representation.quoted(session, value), directive);
      case 'd', 'i', 'u' -> signed(digits(integer(value), 10, directive), directive);
      case 'x' -> signed(digits(whole(value), 16, directive), directive);
      case 'X' -> signed(digits(whole(value), 16, directive), directive).toUpperCase(Locale.ROOT);
      case 'o' -> signed(digits(whole(value), 8, directive), directive);
      case 'e', 'E', 'f', 'F', 'g', 'G' -> {
        int precision = directive.precision() < 0 ? 6 : directive.precision();
        String real =
            NumberFormat.real(Arithmetic.real(number(value)), directive.type(), precision);
        yield signed(real, directive);
      }
      case 'c' -> value instanceof String one ? one : Character.toString(Values.index(value));
      default -> throw new TemplateException("unsupported format character in a format");
    };
  }

  private static String cut(String value, Directive directive) {
    int length = Characters.length(value);
    return directive.precision() < 0 || directive.precision() >= length
        ? value
        : value.substring(0, Characters.offset(value, directive.precision()));
  }

  private static Object number(Object value) {
    if (!Values.isNumber(value)) {
      throw new TemplateException("A format needs a real number, not " + Values.typeName(value));
    }
    return value;
  }

  private static BigInteger whole(Object value) {
    if (!Values.isInteger(value)) {
      throw new TemplateException("A format needs an integer, not " + Values.typeName(value));
    }
    return Arithmetic.big(value);
  }

  private static BigInteger integer(Object value) {
    return Arithmetic.big(number(value) instanceof Double real ? Arithmetic.truncate(real) : value);
  }

  private String digits(BigInteger value, int radix, Directive directive) {
    session.charge(Math.max(0, directive.precision()));
    String digits = value.abs().toString(radix);
    digits = "0".repeat(Math.max(0, directive.precision() - digits.length())) + digits;
    String prefix = !directive.has('#') ? "" : radix == 16 ? "0x" : radix == 8 ? "0o" : "";
    return (value.signum() < 0 ? "-" : "") + prefix + digits;
  }

  private static String signed(String number, Directive directive) {
    if (number.startsWith("-")) {
      return number;
    }
    return (directive.has('+') ? "+" : directive.has(' ') ? " " : "") + number;
  }

  private String padded(String value, Directive directive) {
    if (directive.has('-')) {
      return TextCases.pad(session, value, directive.width(), " ", "ljust");
    }
    boolean zeros = directive.has('0') && "diuxXoeEfFgG".indexOf(directive.type()) >= 0;
    if (!zeros) {
      return TextCases.pad(session, value, directive.width(), " ", "rjust");
    }
    int sign = value.startsWith("-") || value.startsWith("+") || value.startsWith(" ") ? 1 : 0;
    return value.substring(0, sign)
        + TextCases.pad(session, value.substring(sign), directive.width() - sign, "0", "rjust");
  }
}
