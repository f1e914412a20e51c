package io.sparkllama4.text.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// The filter `tojson`, as transformers replaces it: Python's `json.dumps`, without jinja2's
/// escapes for HTML, and with characters beyond ASCII as they are.
final class Json {
  private final Session session;
  private final StringBuilder text = new StringBuilder();
  private final boolean ascii;
  private final boolean sorted;
  private final boolean lines;
  private final String indent;
  private final String itemSeparator;
  private final String keySeparator;
  private int level;

  private Json(Session session, Arguments arguments) {
    Object[] given = arguments.bind("ensure_ascii", "indent", "separators", "sort_keys");
    this.session = session;
    this.ascii = Values.truth(given[0]);
    this.lines = given[1] != None.NONE && !(given[1] instanceof Undefined);
    this.indent =
        given[1] instanceof String by
            ? by
            : (String) Arithmetic.apply(session, "*", " ", (long) Arguments.integer(given[1], 0));
    List<Object> separators =
        Values.truth(given[2]) ? Values.list(session, given[2]) : List.of(lines ? "," : ", ", ": ");
    if (separators.size() != 2) {
      throw new TemplateException("tojson() needs two separators");
    }
    this.itemSeparator = Arguments.text(separators.get(0));
    this.keySeparator = Arguments.text(separators.get(1));
    this.sorted = Values.truth(given[3]);
  }

  static String text(Session session, Object value, Arguments arguments) {
    Json json = new Json(session, arguments);
    json.append(value);
    return session.made(json.text.toString());
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
      case Double number when Double.isNaN(number) -> text.append("NaN");
      case Double number -> text.append(Floats.text(number).replace("inf", "Infinity"));
      case List<?> list -> list(list.iterator());
      case Tuple tuple -> list(tuple.items().iterator());
      case Map<?, ?> map -> dict(map);
      default ->
          throw new TemplateException(
              "Object of type " + Values.typeName(value) + " is not JSON serializable");
    }
  }

  private void list(Iterator<?> items) {
    text.append('[');
    enter();
    boolean empty = !items.hasNext();
    while (items.hasNext()) {
      newline();
      append(items.next());
      text.append(items.hasNext() ? itemSeparator : "");
    }
    leave(empty);
    text.append(']');
  }

  private void dict(Map<?, ?> map) {
    List<Map.Entry<?, ?>> entries = new ArrayList<>(map.entrySet());
    if (sorted) {
      entries.sort((a, b) -> Comparing.order(session, a.getKey(), b.getKey()));
    }
    Iterator<Map.Entry<?, ?>> items = entries.iterator();
    text.append('{');
    enter();
    while (items.hasNext()) {
      Map.Entry<?, ?> entry = items.next();
      newline();
      if (entry.getKey() instanceof String key) {
        string(key);
      } else {
        text.append('"');
        append(entry.getKey());
        text.append('"');
      }
      text.append(keySeparator);
      append(entry.getValue());
      text.append(items.hasNext() ? itemSeparator : "");
    }
    leave(map.isEmpty());
    text.append('}');
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
    if (lines) {
      session.fit(text.length() + (long) indent.length() * level);
      text.append('\n').append(indent.repeat(level));
    }
  }

  private void string(String string) {
    text.append('"');
    for (int i = 0; i < string.length(); i++) {
      char shown = string.charAt(i);
      char c = (char) session.plain(shown);
      int escape = "\"\\\n\r\t\f\b".indexOf(c);
      if (escape >= 0) {
        text.append('\\').append("\"\\nrtfb".charAt(escape));
      } else if (c < ' ' || (ascii && c > '~')) {
        text.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
      } else {
        text.append(shown);
      }
    }
    text.append('"');
  }
}
