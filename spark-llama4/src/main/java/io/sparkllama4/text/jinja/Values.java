package io.sparkllama4.text.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PrimitiveIterator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Python's values, as Java holds them here: [None], `Boolean`, `Long`, `Double`, `String`, `List`,
/// [Tuple], `Map` with the order of insertion, and `Iterator` for what filters give item by item.
/// An integer beyond `long` is kept and printed, but not reckoned with.
final class Values {
  private Values() {}

  /// The value for what a caller gives: text, numbers, lists and maps with text as keys.
  static Object of(@Nullable Object given, int depth) {
    if (depth <= 0) {
      throw new TemplateException("The input nests too deeply");
    }
    return switch (given) {
      case null -> None.NONE;
      case String text -> text;
      case Boolean truth -> truth;
      case Integer number -> number.longValue();
      case Long number -> number;
      case BigInteger number -> integer(number);
      case Double number -> number;
      case Float number -> number.doubleValue();
      case List<?> list ->
          list.stream().map(item -> of(item, depth - 1)).collect(Collectors.toList());
      case Map<?, ?> map -> {
        Map<Object, Object> values = new LinkedHashMap<>();
        map.forEach((key, value) -> values.put(of(key, depth - 1), of(value, depth - 1)));
        yield values;
      }
      default -> throw new IllegalArgumentException("A template cannot see a " + given.getClass());
    };
  }

  static Object integer(BigInteger value) {
    return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
  }

  static boolean truth(Object value) {
    return switch (value) {
      case None none -> false;
      case Boolean truth -> truth;
      case Long number -> number != 0;
      case Double number -> number != 0;
      default -> !hasLength(value) || length(value) > 0;
    };
  }

  static boolean hasLength(Object value) {
    return value instanceof String
        || value instanceof List<?>
        || value instanceof Tuple
        || value instanceof Map<?, ?>
        || value instanceof Undefined;
  }

  static int length(Object value) {
    return switch (value) {
      case String text -> text.codePointCount(0, text.length());
      case List<?> list -> list.size();
      case Tuple tuple -> tuple.items().size();
      case Map<?, ?> map -> map.size();
      case Undefined undefined -> 0;
      default ->
          throw new TemplateException("object of type '" + typeName(value) + "' has no len()");
    };
  }

  /// The items of a sequence, the keys of a dict, the characters of a text.
  @SuppressWarnings("unchecked")
  static Iterator<Object> iterate(Object value) {
    return switch (value) {
      case String text -> characters(text);
      case List<?> list -> (Iterator<Object>) list.iterator();
      case Tuple tuple -> tuple.items().iterator();
      case Map<?, ?> map -> (Iterator<Object>) map.keySet().iterator();
      case Iterator<?> items -> (Iterator<Object>) items;
      case Undefined undefined -> Collections.emptyIterator();
      default -> throw new TemplateException("'" + typeName(value) + "' object is not iterable");
    };
  }

  private static Iterator<Object> characters(String text) {
    PrimitiveIterator.OfInt codePoints = text.codePoints().iterator();
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return codePoints.hasNext();
      }

      @Override
      public Object next() {
        return Character.toString(codePoints.nextInt());
      }
    };
  }

  static List<Object> list(Session session, Object value) {
    List<Object> list = new ArrayList<>();
    Iterator<Object> items = iterate(value);
    while (items.hasNext()) {
      session.items(1);
      session.step();
      list.add(items.next());
    }
    return list;
  }

  /// The value as the key of a dict.
  static Object key(Object value) {
    if (value instanceof List<?> || value instanceof Map<?, ?>) {
      throw new TemplateException("unhashable type: '" + typeName(value) + "'");
    }
    return value;
  }

  static Object call(Session session, Object callee, Arguments arguments) {
    return switch (callee) {
      case Callable callable -> callable.call(session, arguments);
      case Undefined(String message) -> throw new TemplateException(message);
      default -> throw new TemplateException("'" + typeName(callee) + "' object is not callable");
    };
  }

  static boolean isInteger(Object value) {
    return value instanceof Long || value instanceof BigInteger || value instanceof Boolean;
  }

  /// A small integer, such as an index or a width.
  static int index(Object value) {
    return switch (value) {
      case Boolean truth -> truth ? 1 : 0;
      case Long number -> Math.clamp(number, Integer.MIN_VALUE + 1, Integer.MAX_VALUE);
      default -> throw new TemplateException("'" + typeName(value) + "' is no small integer");
    };
  }

  /// Python's name of the value's type.
  static String typeName(Object value) {
    return switch (value) {
      case None none -> "NoneType";
      case Undefined undefined -> "Undefined";
      case Boolean truth -> "bool";
      case Long number -> "int";
      case BigInteger number -> "int";
      case Double number -> "float";
      case String text -> "str";
      case Tuple tuple -> "tuple";
      case List<?> list -> "list";
      case Map<?, ?> map -> "dict";
      case Iterator<?> items -> "generator";
      case Callable callable -> "function";
      default -> "object";
    };
  }

  /// What `str.isspace` holds for white space; Java's idea differs in a dozen characters.
  static boolean isSpace(int c) {
    return c == ' '
        || (c >= 0x09 && c <= 0x0d)
        || (c >= 0x1c && c <= 0x1f)
        || c == 0x85
        || Character.isSpaceChar(c);
  }

  static String strip(String text, boolean start, boolean end) {
    int from = 0;
    int to = text.length();
    while (start && from < to && isSpace(text.charAt(from))) {
      from++;
    }
    while (end && from < to && isSpace(text.charAt(to - 1))) {
      to--;
    }
    return text.substring(from, to);
  }

  static Map<Object, Object> dict(List<Object> keys, List<Object> values) {
    Map<Object, Object> dict = new LinkedHashMap<>();
    for (int i = 0; i < keys.size(); i++) {
      dict.put(Values.key(keys.get(i)), values.get(i));
    }
    return dict;
  }
}
