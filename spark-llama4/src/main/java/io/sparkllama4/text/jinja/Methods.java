package io.sparkllama4.text.jinja;

import java.util.List;
import java.util.Map;
import java.util.Set;

/// The methods that Python's types have, and which of them a template may call.
final class Methods {
  /// A method of a type.
  ///
  /// @param <T> the type
  @FunctionalInterface
  interface Method<T> {
    Object call(Session session, T self, Arguments arguments);
  }

  // The sandbox forbids what would change a list or dict.
  private static final Set<String> LIST_CHANGES =
      Set.of("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort");
  private static final Set<String> DICT_CHANGES =
      Set.of("clear", "pop", "popitem", "setdefault", "update");

  // Methods that Python has and no chat template needs. They count as there, since an attribute
  // of the type hides a dict's entry of the same name.
  private static final Set<String> TEXT_OTHERS = Set.of("encode", "maketrans", "translate");
  private static final Set<String> DICT_OTHERS = Set.of("fromkeys");

  private Methods() {}

  static boolean has(Object value, String name) {
    return switch (value) {
      case String text -> TextMethods.METHODS.containsKey(name) || TEXT_OTHERS.contains(name);
      case List<?> list -> ContainerMethods.LIST.containsKey(name) || LIST_CHANGES.contains(name);
      case Tuple tuple -> name.equals("count") || name.equals("index");
      case Map<?, ?> map ->
          ContainerMethods.DICT.containsKey(name)
              || DICT_CHANGES.contains(name)
              || DICT_OTHERS.contains(name);
      default -> false;
    };
  }

  /// The method, bound to its value.
  static Object of(Object value, String name) {
    return switch (value) {
      case String text -> bound(TextMethods.METHODS, text, name);
      case List<?> list when LIST_CHANGES.contains(name) -> forbidden(value, name);
      case List<?> list -> bound(ContainerMethods.LIST, list, name);
      case Tuple(var items) -> bound(ContainerMethods.LIST, items, name);
      case Map<?, ?> map when DICT_CHANGES.contains(name) -> forbidden(value, name);
      case Map<?, ?> map -> bound(ContainerMethods.DICT, map, name);
      default -> Undefined.attribute(value, name);
    };
  }

  private static <T> Object bound(Map<String, Method<T>> methods, T self, String name) {
    Method<T> method = methods.get(name);
    if (method == null) {
      return new Undefined("the method '" + name + "' is not supported here");
    }
    return new Builtin(name, (session, arguments) -> method.call(session, self, arguments));
  }

  private static Object forbidden(Object value, String name) {
    return new Undefined(
        "access to attribute '" + name + "' of '" + Values.typeName(value) + "' object is unsafe.");
  }
}
