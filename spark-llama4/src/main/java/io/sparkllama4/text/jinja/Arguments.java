package io.sparkllama4.text.jinja;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What a call passes.
///
/// @param positional by place
/// @param keywords by name, in order
record Arguments(List<Object> positional, Map<String, Object> keywords) {
  static final Arguments NONE = new Arguments(List.of(), Map.of());

  /// These arguments without the first.
  Arguments rest() {
    return new Arguments(positional.subList(1, positional.size()), keywords);
  }

  /// These arguments by the names of the parameters.
  Map<String, Object> named(String... names) {
    if (positional.size() > names.length) {
      throw new TemplateException("Too many arguments, at most " + names.length + " are taken");
    }
    Map<String, Object> values = new LinkedHashMap<>(keywords);
    // A keyword may come from a prompt and must not be told.
    if (!List.of(names).containsAll(values.keySet())) {
      throw new TemplateException("An unexpected keyword argument, allowed: " + List.of(names));
    }
    for (int i = 0; i < positional.size(); i++) {
      if (values.put(names[i], positional.get(i)) != null) {
        throw new TemplateException("Two values for the argument '" + names[i] + "'");
      }
    }
    return values;
  }

  /// The arguments in the order of `names`; `Undefined` stands for those that were left out.
  Object[] bind(String... names) {
    Map<String, Object> values = named(names);
    Object[] bound = new Object[names.length];
    for (int i = 0; i < names.length; i++) {
      bound[i] =
          values.getOrDefault(names[i], new Undefined("The argument '" + names[i] + "' misses"));
    }
    return bound;
  }

  static Object or(Object given, Object otherwise) {
    return given instanceof Undefined ? otherwise : given;
  }

  static String text(Object given) {
    return switch (given) {
      case String text -> text;
      case Undefined(String message) -> throw new TemplateException(message);
      default -> throw new TemplateException("A str is needed, not " + Values.typeName(given));
    };
  }

  /// A small integer; `otherwise` where it was left out or is None.
  static int integer(Object given, int otherwise) {
    return switch (given) {
      case Undefined undefined -> otherwise;
      case None none -> otherwise;
      default -> Values.index(given);
    };
  }
}
