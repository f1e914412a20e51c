package io.sparkllama4.text.jinja;

import java.math.BigInteger;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/// What Python's `str` and `repr` print.
final class Representation {
  private final Session session;
  private final StringBuilder text = new StringBuilder();

  private Representation(Session session) {
    this.session = session;
  }

  /// What `str` gives, and nothing for what is undefined.
  static String text(Session session, Object value) {
    return switch (value) {
      case String text -> text;
      case Undefined undefined -> "";
      default -> {
        Representation representation = new Representation(session);
        representation.append(value);
        yield session.made(representation.text.toString());
      }
    };
  }

  private void append(Object value) {
    session.step();
    session.fit(text.length());
    switch (value) {
      case String string -> string(string);
      case None none -> text.append("None");
      case Boolean truth -> text.append(truth ? "True" : "False");
      case Long number -> text.append(number.longValue());
      case BigInteger number -> text.append(number);
      case Double number -> text.append(Floats.text(number));
      case Span span -> text.append(span);
      case List<?> list -> items("[", list.iterator(), "]");
      case Tuple tuple -> items(tuple.open(), tuple.items().iterator(), tuple.close());
      case Map<?, ?> map -> dict(map);
      case Undefined undefined -> text.append("Undefined");
      case Namespace(Map<String, Object> attributes) -> {
        text.append("<Namespace ");
        dict(attributes);
        text.append('>');
      }
      default -> throw new TemplateException("A " + Values.typeName(value) + " cannot be printed");
    }
  }

  private void items(String open, Iterator<?> items, String close) {
    session.enter();
    text.append(open);
    while (items.hasNext()) {
      append(items.next());
      text.append(items.hasNext() ? ", " : "");
    }
    text.append(close);
    session.leave();
  }

  private void dict(Map<?, ?> map) {
    session.enter();
    text.append('{');
    String separator = "";
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      text.append(separator);
      separator = ", ";
      append(entry.getKey());
      text.append(": ");
      append(entry.getValue());
    }
    text.append('}');
    session.leave();
  }

  private void string(String string) {
    String plain = session.plain(string);
    char quote = plain.indexOf('\'') >= 0 && plain.indexOf('"') < 0 ? '"' : '\'';
    text.append(quote);
    string.codePoints().forEach(shown -> character(shown, session.plain(shown), quote));
    text.append(quote);
  }

  private void character(int shown, int c, char quote) {
    switch (c) {
      case '\n' -> text.append("\\n");
      case '\r' -> text.append("\\r");
      case '\t' -> text.append("\\t");
      default -> {
        if (c == quote || c == '\\') {
          text.append('\\').append((char) c);
        } else if (isPrintable(c)) {
          text.appendCodePoint(shown);
        } else {
          String format = c <= 0xff ? "\\x%02x" : c <= 0xffff ? "\\u%04x" : "\\U%08x";
          text.append(String.format(java.util.Locale.ROOT, format, c));
        }
      }
    }
  }

  private static boolean isPrintable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }
}
