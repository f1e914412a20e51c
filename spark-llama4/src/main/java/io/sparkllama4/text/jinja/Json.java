package io.sparkllama4.text.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The filter `tojson`, as transformers replaces it: Python's `json.dumps`, without jinja2's
/// escapes for HTML, and with characters beyond ASCII as they are.
final class Json {
  private final Session session;
  private final StringBuilder text = new StringBuilder();
  private final Optional<String> indent;
  private final boolean ascii;
  private final boolean sorted;
  private final String itemSeparator;
  private final String keySeparator;
  private int level;

  private Json(Session session, Arguments arguments) {
    Arguments.Bound bound =
        arguments.bind("tojson", "ensure_ascii", "indent", "separators", "sort_keys");
    this.session = session;
    this.ascii = bound.truth("ensure_ascii");
    this.sorted = bound.truth("sort_keys");
    Object given = bound.value("indent", None.NONE);
    this.indent =
        given == None.NONE
            ? Optional.empty()
            : Optional.of(given instanceof String by ? by : spaces(session, Values.index(given)));
    Object separators = bound.value("separators", None.NONE);
    if (separators == None.NONE) {
      this.itemSeparator = indent.isPresent() ? "," : ", ";
      this.keySeparator = ": ";
    } else {
      List<Object> two = Values.list(session, separators);
      if (two.size() != 2) {
        throw new TemplateException("tojson() needs two separators");
      }
      this.itemSeparator = Representation.text(session, two.get(0));
      this.keySeparator = Representation.text(session, two.get(1));
    }
  }

  static String text(Session session, Object value, Arguments arguments) {
    Json json = new Json(session, arguments);
    json.append(value);
    return session.made(json.text.toString());
  }

  private static String spaces(Session session, int width) {
    session.charge(width);
    return " ".repeat(Math.max(0, width));
  }

  private void append(Object value) {
    session.step();
    session.fit(text.length());
    switch (value) {
      case String string -> string(string);
      case None none -> text.append("null");
      case Boolean truth -> text.append(truth.booleanValue());
      case Long number -> text.append(number.longValue());
      case BigInteger number -> text.append(number);
      case Double number -> text.append(number(number));
      case List<?> list -> list(list);
      case Tuple(var items) -> list(items);
      case Map<?, ?> map -> dict(map);
      default ->
          throw new TemplateException(
              "Object of type " + Values.typeName(value) + " is not JSON serializable");
    }
  }

  private static String number(double value) {
    if (Double.isNaN(value)) {
      return "NaN";
    }
    return Double.isInfinite(value) ? (value > 0 ? "Infinity" : "-Infinity") : Floats.text(value);
  }

  private void list(List<?> list) {
    Iterator<?> items = list.iterator();
    text.append('[');
    enter();
    while (items.hasNext()) {
      newline();
      append(items.next());
      text.append(items.hasNext() ? itemSeparator : "");
    }
    leave(list.isEmpty());
    text.append(']');
  }

  private void dict(Map<?, ?> map) {
    List<Map.Entry<?, ?>> entries = new ArrayList<>(map.entrySet());
    if (sorted) {
      entries.sort((a, b) -> Comparing.order(session, a.getKey(), b.getKey(), "<"));
    }
    Iterator<Map.Entry<?, ?>> items = entries.iterator();
    text.append('{');
    enter();
    while (items.hasNext()) {
      Map.Entry<?, ?> entry = items.next();
      newline();
      string(key(entry.getKey()));
      text.append(keySeparator);
      append(entry.getValue());
      text.append(items.hasNext() ? itemSeparator : "");
    }
    leave(map.isEmpty());
    text.append('}');
  }

  private String key(Object key) {
    return switch (key) {
      case String string -> string;
      case None none -> "null";
      case Boolean truth -> truth.toString();
      case Long number -> number.toString();
      case BigInteger number -> number.toString();
      case Double number -> number(number);
      default ->
          throw new TemplateException(
              "keys must be str, int, float, bool or None, not " + Values.typeName(key));
    };
  }

  private void enter() {
    session.enter();
    level++;
  }

  private void leave(boolean empty) {
    session.leave();
    level--;
    if (!empty) {
      newline();
    }
  }

  private void newline() {
    indent.ifPresent(
        by -> {
          session.fit(text.length() + (long) by.length() * level);
          text.append('\n').append(by.repeat(level));
        });
  }

  private void string(String string) {
    text.append('"');
    for (int i = 0; i < string.length(); i++) {
      char shown = string.charAt(i);
      char c = (char) session.plain(shown);
      switch (c) {
        case '"' -> text.append("\\\"");
        case '\\' -> text.append("\\\\");
        case '\n' -> text.append("\\n");
        case '\r' -> text.append("\\r");
        case '\t' -> text.append("\\t");
        case '\f' -> text.append("\\f");
        case '\b' -> text.append("\\b");
        default -> {
          if (c < ' ' || (ascii && c > '~')) {
            text.append("\\u").append(String.format(java.util.Locale.ROOT, "%04x", (int) c));
          } else {
            text.append(shown);
          }
        }
      }
    }
    text.append('"');
  }
}
