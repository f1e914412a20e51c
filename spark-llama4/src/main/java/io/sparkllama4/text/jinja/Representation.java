package io.sparkllama4.text.jinja;

import java.math.BigInteger;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/// How values print: Python's `str` and `repr`.
final class Representation {
  private final Session session;
  private final StringBuilder text = new StringBuilder();

  private Representation(Session session) {
    this.session = session;
  }

  /// What `str` gives, which is what a template outputs.
  static String text(Session session, Object value) {
    return switch (value) {
      case String text -> text;
      case Undefined undefined -> "";
      case None none -> "None";
      case Boolean truth -> truth ? "True" : "False";
      case Long number -> number.toString();
      case BigInteger number -> number.toString();
      case Double number -> Floats.text(number);
      default -> quoted(session, value);
    };
  }

  /// What `repr` gives: text in quotes.
  static String quoted(Session session, Object value) {
    Representation representation = new Representation(session);
    representation.append(value);
    return session.made(representation.text.toString());
  }

  private void append(Object value) {
    session.step();
    session.fit(text.length());
    switch (value) {
      case String string -> string(string);
      case List<?> list -> items("[", list.iterator(), "]");
      case Tuple(var items) -> items("(", items.iterator(), items.size() == 1 ? ",)" : ")");
      case Map<?, ?> map -> dict(map);
      case DictView view -> {
        text.append(view.name());
        items("([", view.items().iterator(), "])");
      }
      case Span span ->
          text.append("range(")
              .append(span.start())
              .append(", ")
              .append(span.stop())
              .append(span.step() == 1 ? "" : ", " + span.step())
              .append(')');
      case Namespace namespace -> {
        text.append("<Namespace ");
        dict(namespace.attributes());
        text.append('>');
      }
      case Undefined undefined -> text.append("Undefined");
      case Lazy lazy -> text.append('<').append(lazy.name()).append(" object>");
      case Macro macro -> text.append("<Macro '").append(macro.name()).append("'>");
      case Loop loop -> text.append("<LoopContext>");
      case Callable callable -> text.append("<function ").append(callable.name()).append('>');
      default -> text.append(text(session, value));
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
    boolean first = true;
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      text.append(first ? "" : ", ");
      first = false;
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
    string
        .codePoints()
        .forEach(
            shown -> {
              int c = session.plain(shown);
              if (c == quote || c == '\\') {
                text.append('\\').append((char) c);
              } else if (isPrintable(c)) {
                text.appendCodePoint(shown);
              } else {
                escape(c);
              }
            });
    text.append(quote);
  }

  private void escape(int c) {
    switch (c) {
      case '\n' -> text.append("\\n");
      case '\r' -> text.append("\\r");
      case '\t' -> text.append("\\t");
      default -> {
        String hexadecimal = Integer.toHexString(c);
        int width = c <= 0xff ? 2 : c <= 0xffff ? 4 : 8;
        text.append('\\').append(c <= 0xff ? 'x' : c <= 0xffff ? 'u' : 'U');
        text.append("0".repeat(width - hexadecimal.length())).append(hexadecimal);
      }
    }
  }

  static boolean isPrintable(int c) {
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
