package io.sparkllama4.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// `value.name`, `value[index]` and `value[start:stop:step]`. Nothing of Java is ever looked at.
final class Lookup {
  private Lookup() {}

  /// As jinja2 looks attributes up: the methods of the type first, then what a dict holds.
  static Object attribute(Session session, Object base, String name) {
    if (base instanceof Undefined(String message)) {
      throw new TemplateException(message);
    }
    if (base instanceof Namespace(Map<String, Object> attributes)) {
      return attributes.getOrDefault(name, Undefined.of(base));
    }
    Object method = Methods.of(session, base, name);
    if (method instanceof Undefined && base instanceof Map<?, ?> map) {
      Object found = Comparing.find(session, map, name);
      return found == null ? method : found;
    }
    return method;
  }

  /// As jinja2 looks items up: what the value holds first, then the methods of its type.
  static Object item(Session session, Object base, Object index) {
    if (base instanceof Undefined(String message)) {
      throw new TemplateException(message);
    }
    boolean hashable = !(index instanceof List<?>) && !(index instanceof Map<?, ?>);
    Object found =
        base instanceof Map<?, ?> map && hashable ? Comparing.find(session, map, index) : null;
    if (found != null) {
      return found;
    }
    if (index instanceof String name) {
      return attribute(session, base, session.plain(name));
    }
    if (!Values.isInteger(index) || !Values.hasLength(base) || base instanceof Map<?, ?>) {
      return Undefined.of(base);
    }
    int length = Values.length(base);
    int place = Values.index(index) < 0 ? Values.index(index) + length : Values.index(index);
    if (place < 0 || place >= length) {
      return Undefined.of(base);
    }
    return switch (base) {
      case String text -> Character.toString(text.codePointAt(text.offsetByCodePoints(0, place)));
      case Tuple tuple -> tuple.items().get(place);
      default -> ((List<?>) base).get(place);
    };
  }

  static Object slice(Session session, Object base, Object start, Object stop, Object step) {
    if (base instanceof Undefined(String message)) {
      throw new TemplateException(message);
    }
    if (base instanceof Map<?, ?> || !Values.hasLength(base)) {
      throw new TemplateException("'" + Values.typeName(base) + "' object cannot be sliced");
    }
    List<Object> items = Values.list(session, base);
    List<Object> slice = new ArrayList<>();
    long by = step == None.NONE ? 1 : Values.index(step);
    if (by == 0) {
      throw new TemplateException("slice step cannot be zero");
    }
    int size = items.size();
    long from = start == None.NONE ? (by > 0 ? 0 : size - 1L) : clamp(start, size, by);
    long to = stop == None.NONE ? (by > 0 ? size : -1) : clamp(stop, size, by);
    for (long i = from; by > 0 ? i < to : i > to; i += by) {
      slice.add(items.get((int) i));
    }
    return switch (base) {
      case String text -> {
        StringBuilder sliced = new StringBuilder();
        slice.forEach(sliced::append);
        yield session.made(sliced.toString());
      }
      case Tuple tuple -> new Tuple(tuple.open(), slice);
      default -> slice;
    };
  }

  private static long clamp(Object bound, int length, long step) {
    long index = Values.index(bound);
    long place = index < 0 ? index + length : index;
    return step > 0 ? Math.clamp(place, 0, length) : Math.clamp(place, -1, length - 1);
  }

  static Expression variable(String name) {
    return switch (name) {
      case "true", "True" -> s -> true;
      case "false", "False" -> s -> false;
      case "none", "None" -> s -> None.NONE;
      default ->
          s -> {
            s.step();
            Object value = s.scope.get(name);
            return value == null ? new Undefined("'" + name + "' is undefined") : value;
          };
    };
  }
}
