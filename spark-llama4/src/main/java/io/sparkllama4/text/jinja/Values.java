package io.sparkllama4.text.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PrimitiveIterator;
import org.jspecify.annotations.Nullable;

/// Python's values, as Java holds them here: [None], `Boolean`, `Long` and `BigInteger` (one
/// integer has one form: [Arithmetic#integer]), `Double`, `String`, `List`, [Tuple], `Map` with
/// the order of insertion, and the small types of this package. None of them changes, save
/// [Namespace].
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
      case BigInteger number -> Arithmetic.integer(number);
      case Double number -> number;
      case Float number -> number.doubleValue();
      case List<?> list -> {
        List<Object> values = new ArrayList<>(list.size());
        for (Object item : list) {
          values.add(of(item, depth - 1));
        }
        yield values;
      }
      case Map<?, ?> map -> {
        Map<Object, Object> values = new LinkedHashMap<>();
        map.forEach((key, value) -> values.put(of(key, depth - 1), of(value, depth - 1)));
        yield values;
      }
      default -> throw new IllegalArgumentException("A template cannot see a " + given.getClass());
    };
  }

  static boolean truth(Object value) {
    return switch (value) {
      case None none -> false;
      case Undefined undefined -> false;
      case Boolean truth -> truth;
      case Long number -> number != 0;
      case BigInteger number -> number.signum() != 0;
      case Double number -> number != 0;
      default -> !hasLength(value) || length(value) > 0;
    };
  }

  static boolean hasLength(Object value) {
    return switch (value) {
      case String text -> true;
      case List<?> list -> true;
      case Tuple tuple -> true;
      case Map<?, ?> map -> true;
      case Span span -> true;
      case DictView view -> true;
      case Undefined undefined -> true;
      default -> false;
    };
  }

  static int length(Object value) {
    return switch (value) {
      case String text -> Characters.length(text);
      case List<?> list -> list.size();
      case Tuple tuple -> tuple.items().size();
      case Map<?, ?> map -> map.size();
      case Span span -> span.length();
      case DictView view -> view.items().size();
      case Undefined undefined -> 0;
      default ->
          throw new TemplateException("object of type '" + typeName(value) + "' has no len()");
    };
  }

  /// How many items there are; -1 where only going through them tells.
  static int knownLength(Object value) {
    return hasLength(value) ? length(value) : -1;
  }

  static boolean isIterable(Object value) {
    return hasLength(value) || value instanceof Lazy;
  }

  /// The items of a sequence, the keys of a dict, the characters of a text.
  static Iterator<Object> iterate(Object value) {
    return switch (value) {
      case String text -> characters(text);
      case List<?> list -> objects(list).iterator();
      case Tuple tuple -> tuple.items().iterator();
      case Map<?, ?> map -> objects(map.keySet()).iterator();
      case Span span -> span.iterator();
      case DictView view -> view.items().iterator();
      case Lazy lazy -> lazy.items();
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

  @SuppressWarnings("unchecked")
  private static Iterable<Object> objects(Iterable<?> items) {
    return (Iterable<Object>) items;
  }

  static List<Object> list(Session session, Object value) {
    return list(session, iterate(value));
  }

  static List<Object> list(Session session, Iterator<Object> items) {
    List<Object> list = new ArrayList<>();
    while (items.hasNext()) {
      session.step();
      session.items(1);
      list.add(items.next());
    }
    return list;
  }

  /// The value as the key of a dict.
  static Object key(Object value) {
    return switch (value) {
      case List<?> list -> throw new TemplateException("unhashable type: 'list'");
      case Map<?, ?> map -> throw new TemplateException("unhashable type: 'dict'");
      default -> value;
    };
  }

  static boolean isInteger(Object value) {
    return value instanceof Long || value instanceof BigInteger || value instanceof Boolean;
  }

  static boolean isNumber(Object value) {
    return isInteger(value) || value instanceof Double;
  }

  /// A small integer, such as an index or a width.
  static int index(Object value) {
    return switch (value) {
      case Boolean truth -> truth ? 1 : 0;
      case Long number -> Math.clamp(number, Integer.MIN_VALUE + 1, Integer.MAX_VALUE);
      case BigInteger number -> number.signum() * Integer.MAX_VALUE;
      case Undefined undefined -> throw undefined.failure();
      default ->
          throw new TemplateException(
              "'" + typeName(value) + "' object cannot be interpreted as an integer");
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
      case List<?> list -> "list";
      case Tuple tuple -> "tuple";
      case Map<?, ?> map -> "dict";
      case Span span -> "range";
      case Lazy lazy -> lazy.name();
      case DictView view -> view.name();
      case Namespace namespace -> "Namespace";
      case Loop loop -> "LoopContext";
      case Macro macro -> "Macro";
      default -> "builtin_function_or_method";
    };
  }
}
