package io.sparkllama4.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/// The parameter `attribute` of filters: a path such as `function.name` or `0.name`.
final class Attributes {
  private Attributes() {}

  /// What looks the path up; the item itself where there is no path.
  static UnaryOperator<Object> getter(Session session, Object attribute) {
    return getter(session, attribute, None.NONE);
  }

  /// @param otherwise stands for what is missing; nothing does where it is None
  static UnaryOperator<Object> getter(Session session, Object attribute, Object otherwise) {
    List<Object> path = path(attribute);
    return item -> {
      Object value = item;
      for (Object part : path) {
        session.step();
        value = Lookup.item(session, value, part);
        if (value instanceof Undefined && otherwise != None.NONE) {
          value = otherwise;
        }
      }
      return value;
    };
  }

  /// What looks several paths up, `a,b.c`, and gives a list of what they lead to.
  static UnaryOperator<Object> keys(Session session, Object attribute, boolean caseSensitive) {
    List<UnaryOperator<Object>> getters = new ArrayList<>();
    if (attribute instanceof String paths) {
      for (String path : paths.split(",", -1)) {
        getters.add(getter(session, path));
      }
    } else {
      getters.add(getter(session, attribute));
    }
    return item ->
        getters.stream().map(getter -> ignoreCase(getter.apply(item), caseSensitive)).toList();
  }

  /// Text in lower case, unless case counts.
  static Object ignoreCase(Object value, boolean caseSensitive) {
    return value instanceof String text && !caseSensitive ? TextCases.lower(text) : value;
  }

  private static List<Object> path(Object attribute) {
    if (attribute == None.NONE) {
      return List.of();
    }
    if (!(attribute instanceof String text)) {
      return List.of(attribute);
    }
    List<Object> path = new ArrayList<>();
    for (String part : text.split("\\.", -1)) {
      path.add(part.matches("[0-9]{1,9}") ? (Object) Long.valueOf(part) : part);
    }
    return path;
  }
}
