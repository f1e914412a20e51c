package io.sparkllama4.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// `value.name`, `value[index]` and `value[start:stop:step]`.
final class Lookup {
  private Lookup() {}

  /// As jinja2 looks attributes up: the methods of the type first, then what a dict holds.
  static Object attribute(Session session, Object base, String name) {
    if (base instanceof Undefined undefined) {
      throw undefined.failure();
    }
    return switch (base) {
      case Namespace namespace -> member(namespace, name);
      case Loop loop -> loop.attribute(session, name);
      default -> {
        if (Methods.has(base, name)) {
          yield Methods.of(base, name);
        }
        Object found = base instanceof Map<?, ?> map ? Comparing.find(session, map, name) : null;
        yield found == null ? Undefined.attribute(base, name) : found;
      }
    };
  }

  private static Object member(Namespace namespace, String name) {
    Object value = namespace.attributes().get(name);
    return value == null ? Undefined.attribute(namespace, name) : value;
  }

  /// As jinja2 looks items up: what the value holds first, then the methods of its type.
  static Object item(Session session, Object base, Object index) {
    return switch (base) {
      case Undefined undefined -> throw undefined.failure();
      case Map<?, ?> map -> {
        Object found = hashable(index) ? Comparing.find(session, map, index) : null;
        yield found == null ? method(session, base, index) : found;
      }
      case String text when Values.isInteger(index) -> character(text, Values.index(index));
      case List<?> list when Values.isInteger(index) -> at(base, list, Values.index(index));
      case Tuple(var items) when Values.isInteger(index) -> at(base, items, Values.index(index));
      case Span span when Values.isInteger(index) -> {
        int place = place(Values.index(index), span.length());
        yield place < 0 ? Undefined.element(base) : (Object) span.at(place);
      }
      default -> method(session, base, index);
    };
  }

  private static boolean hashable(Object value) {
    return !(value instanceof List<?>) && !(value instanceof Map<?, ?>);
  }

  private static Object method(Session session, Object base, Object index) {
    return index instanceof String name
        ? method(session, base, session.plain(name))
        : Undefined.element(base);
  }

  /// What the type of a value itself has under a name; one that is missing may have been computed
  /// from a prompt, so that its complaint leaves it out.
  static Object method(Session session, Object base, String name) {
    boolean own = base instanceof Namespace || base instanceof Loop || Methods.has(base, name);
    Object found = own ? attribute(session, base, name) : Undefined.element(base);
    return found instanceof Undefined && !Methods.has(base, name) ? Undefined.element(base) : found;
  }

  private static Object at(Object base, List<?> items, int index) {
    int place = place(index, items.size());
    return place < 0 ? Undefined.element(base) : items.get(place);
  }

  private static Object character(String text, int index) {
    int place = place(index, Characters.length(text));
    return place < 0
        ? Undefined.element(text)
        : Character.toString(text.codePointAt(Characters.offset(text, place)));
  }

  /// The place of an index that may count from the end; -1 where there is none.
  private static int place(int index, int length) {
    int place = index < 0 ? index + length : index;
    return place < length ? Math.max(place, -1) : -1;
  }

  static Object slice(Session session, Object base, Object start, Object stop, Object step) {
    return switch (base) {
      case Undefined undefined -> throw undefined.failure();
      case String text -> text(session, text, start, stop, step);
      case List<?> list -> items(session, list, start, stop, step);
      case Tuple(var items) -> new Tuple(items(session, items, start, stop, step));
      case Span span -> items(session, Values.list(session, span), start, stop, step);
      default ->
          throw new TemplateException("'" + Values.typeName(base) + "' object cannot be sliced");
    };
  }

  private static String text(Session session, String text, Object start, Object stop, Object step) {
    Places places = places(Characters.length(text), start, stop, step);
    if (places.step() == 1) {
      int from = Characters.offset(text, (int) places.start());
      return session.made(text.substring(from, text.offsetByCodePoints(from, places.count())));
    }
    session.items(text.length());
    int[] points = text.codePoints().toArray();
    StringBuilder slice = new StringBuilder();
    for (int i = 0; i < places.count(); i++) {
      slice.appendCodePoint(points[places.at(i)]);
    }
    return session.made(slice.toString());
  }

  private static List<Object> items(
      Session session, List<?> items, Object start, Object stop, Object step) {
    Places places = places(items.size(), start, stop, step);
    session.items(places.count());
    List<Object> slice = new ArrayList<>(places.count());
    for (int i = 0; i < places.count(); i++) {
      slice.add(items.get(places.at(i)));
    }
    return slice;
  }

  /// The places that a slice takes.
  private record Places(long start, long step, int count) {
    int at(int index) {
      return (int) (start + index * step);
    }
  }

  private static Places places(int length, Object start, Object stop, Object step) {
    long by = step == None.NONE ? 1 : Values.index(step);
    if (by == 0) {
      throw new TemplateException("slice step cannot be zero");
    }
    long from = by > 0 ? 0 : length - 1L;
    long to = by > 0 ? length : -1;
    if (start != None.NONE) {
      from = clamp(Values.index(start), length, by);
    }
    if (stop != None.NONE) {
      to = clamp(Values.index(stop), length, by);
    }
    long count = by > 0 ? (to - from + by - 1) / by : (from - to - by - 1) / -by;
    return new Places(from, by, (int) Math.max(0, count));
  }

  private static long clamp(long index, int length, long step) {
    long place = index < 0 ? index + length : index;
    return step > 0 ? Math.clamp(place, 0, length) : Math.clamp(place, -1, length - 1);
  }
}
