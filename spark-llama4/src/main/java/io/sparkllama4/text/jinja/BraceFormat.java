package io.sparkllama4.text.jinja;

import java.math.BigInteger;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Python's `format.format(values)`, where `{}` stands for a value.
final class BraceFormat {
  private static final Pattern SPECIFICATION =
      Pattern.compile(
          "(?:(.)?([<>=^]))?([-+ ])?(#)?(0)?([0-9]{1,9})?([,_])?(?:\\.([0-9]{1,9}))?([a-zA-Z%])?",
          Pattern.DOTALL);

  private final Session session;
  private final Arguments arguments;
  private int automatic;

  private BraceFormat(Session session, Arguments arguments) {
    this.session = session;
    this.arguments = arguments;
  }

  static String text(Session session, String format, Arguments arguments) {
    return new BraceFormat(session, arguments).text(format, 2);
  }

  /// @param depth how often a specification may hold fields itself
  private String text(String shown, int depth) {
    if (depth == 0) {
      throw new TemplateException("Max string recursion exceeded");
    }
    String format = session.plain(shown);
    StringBuilder text = new StringBuilder();
    int at = 0;
    while (at < format.length()) {
      char c = format.charAt(at);
      if ((c == '{' || c == '}') && format.startsWith(String.valueOf(c), at + 1)) {
        text.append(shown.charAt(at));
        at += 2;
      } else if (c == '{') {
        int close = close(format, at + 1);
        text.append(field(format.substring(at + 1, close), depth));
        at = close + 1;
      } else if (c == '}') {
        throw new TemplateException("Single '}' encountered in format string");
      } else {
        text.append(shown.charAt(at++));
      }
      session.fit(text.length());
    }
    return text.toString();
  }

  private static int close(String format, int from) {
    int depth = 1;
    for (int i = from; i < format.length(); i++) {
      depth += format.charAt(i) == '{' ? 1 : format.charAt(i) == '}' ? -1 : 0;
      if (depth == 0) {
        return i;
      }
    }
    throw new TemplateException("expected '}' before end of string");
  }

  private String field(String field, int depth) {
    int colon = field.indexOf(':');
    String head = colon < 0 ? field : field.substring(0, colon);
    int bang = head.indexOf('!');
    Object value = lookup(bang < 0 ? head : head.substring(0, bang));
    String conversion = bang < 0 ? "" : head.substring(bang + 1);
    value =
        switch (conversion) {
          case "" -> value;
          case "s" -> Representation.text(session, value);
          case "r", "a" -> Representation.quoted(session, value);
          default -> throw new TemplateException("Unknown conversion in a format string");
        };
    return specified(value, colon < 0 ? "" : text(field.substring(colon + 1), depth - 1));
  }

  private Object lookup(String path) {
    int end = 0;
    while (end < path.length() && ".[".indexOf(path.charAt(end)) < 0) {
      end++;
    }
    Object value = first(path.substring(0, end));
    while (end < path.length()) {
      boolean item = path.charAt(end) == '[';
      int from = end + 1;
      end = from;
      while (end < path.length() && (item ? "]" : ".[").indexOf(path.charAt(end)) < 0) {
        end++;
      }
      String name = path.substring(from, end);
      end += item ? 1 : 0;
      boolean index = item && name.matches("[0-9]{1,9}");
      value =
          item
              ? Lookup.item(session, value, index ? (Object) Long.valueOf(name) : name)
              : member(value, name);
    }
    return value;
  }

  private Object member(Object value, String name) {
    Object found = Lookup.attribute(session, value, name);
    return found instanceof Undefined ? Undefined.element(value) : found;
  }

  private Object first(String name) {
    boolean numbered = name.isEmpty() || name.matches("[0-9]{1,9}");
    if (!numbered) {
      Object value = arguments.keywords().get(name);
      if (value == null) {
        throw new TemplateException("A format string names a value that is missing");
      }
      return value;
    }
    int index = name.isEmpty() ? automatic++ : Integer.parseInt(name);
    if (index >= arguments.positional().size()) {
      throw new TemplateException("Replacement index out of range for positional args tuple");
    }
    return arguments.positional().get(index);
  }

  private String specified(Object value, String specification) {
    if (specification.isEmpty()) {
      return Representation.text(session, value);
    }
    Matcher parts = SPECIFICATION.matcher(specification);
    if (!parts.matches()) {
      throw new TemplateException("Invalid format specifier");
    }
    boolean number = Values.isNumber(value);
    if (!number && !(value instanceof String)) {
      throw new TemplateException(
          "unsupported format string passed to " + Values.typeName(value) + ".__format__");
    }
    String text = number ? number(value, parts) : text((String) value, parts);
    return padded(text, parts, number);
  }

  private static String text(String value, Matcher parts) {
    boolean plain = parts.group(3) == null && parts.group(4) == null && parts.group(7) == null;
    if (!plain || (parts.group(9) != null && !"s".equals(parts.group(9)))) {
      throw new TemplateException("Unknown format code for a str");
    }
    int precision = integer(parts.group(8), Integer.MAX_VALUE);
    return precision >= Characters.length(value)
        ? value
        : value.substring(0, Characters.offset(value, precision));
  }

  private static int integer(@org.jspecify.annotations.Nullable String text, int otherwise) {
    return text == null ? otherwise : Integer.parseInt(text);
  }

  private static String number(Object value, Matcher parts) {
    String type = parts.group(9) == null ? "" : parts.group(9);
    int precision = integer(parts.group(8), -1);
    boolean real = value instanceof Double || (!type.isEmpty() && "eEfFgG%".contains(type));
    if (!real && precision >= 0) {
      throw new TemplateException("Precision not allowed in integer format specifier");
    }
    String text =
        real
            ? real(Arithmetic.real(value), type, precision)
            : integer(Arithmetic.big(value), type, parts.group(4) != null);
    if (parts.group(7) != null) {
      text = grouped(text, parts.group(7));
    }
    String sign = parts.group(3) == null ? "-" : parts.group(3);
    return text.startsWith("-") || sign.equals("-") ? text : sign + text;
  }

  private static String real(double value, String type, int precision) {
    return switch (type) {
      case "" -> precision < 0 ? Floats.text(value) : general(value, precision);
      case "e", "E", "f", "F", "g", "G" ->
          NumberFormat.real(value, type.charAt(0), precision < 0 ? 6 : precision);
      case "%" -> NumberFormat.real(value * 100, 'f', precision < 0 ? 6 : precision) + "%";
      default -> throw new TemplateException("Unknown format code for a float");
    };
  }

  /// Without a type, a float shows that it is one.
  private static String general(double value, int precision) {
    String text = NumberFormat.real(value, 'g', precision);
    return text.matches("-?[0-9]+") ? text + ".0" : text;
  }

  private static String integer(BigInteger value, String type, boolean prefixed) {
    int radix =
        switch (type) {
          case "", "d", "n" -> 10;
          case "x", "X" -> 16;
          case "o" -> 8;
          case "b" -> 2;
          default -> throw new TemplateException("Unknown format code for an int");
        };
    String prefix = prefixed && radix != 10 ? "0" + type : "";
    String digits = (value.signum() < 0 ? "-" : "") + prefix + value.abs().toString(radix);
    return type.equals("X") ? digits.toUpperCase(Locale.ROOT) : digits;
  }

  private static String grouped(String number, String separator) {
    int start = number.startsWith("-") ? 1 : 0;
    int end = start;
    while (end < number.length() && Character.isDigit(number.charAt(end))) {
      end++;
    }
    StringBuilder text = new StringBuilder(number);
    for (int i = end - 3; i > start; i -= 3) {
      text.insert(i, separator);
    }
    return text.toString();
  }

  private String padded(String text, Matcher parts, boolean number) {
    boolean zeros = parts.group(5) != null && parts.group(2) == null && number;
    String fill = zeros ? "0" : parts.group(1) == null ? " " : parts.group(1);
    String align = zeros ? "=" : parts.group(2) == null ? (number ? ">" : "<") : parts.group(2);
    int width = integer(parts.group(6), 0);
    return switch (align) {
      case "<" -> TextCases.pad(session, text, width, fill, "ljust");
      case ">" -> TextCases.pad(session, text, width, fill, "rjust");
      case "^" -> {
        int left = Math.max(0, width - Characters.length(text)) / 2;
        String start = TextCases.pad(session, text, Characters.length(text) + left, fill, "rjust");
        yield TextCases.pad(session, start, width, fill, "ljust");
      }
      default -> {
        int sign = text.startsWith("-") || text.startsWith("+") ? 1 : 0;
        yield text.substring(0, sign)
            + TextCases.pad(session, text.substring(sign), width - sign, fill, "rjust");
      }
    };
  }
}
