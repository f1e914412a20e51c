package io.sparkllama4.text.jinja;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What a call passes.
///
/// @param positional by place
/// @param keywords by name, in order
record Arguments(List<Object> positional, Map<String, Object> keywords) {
  static final Arguments EMPTY = new Arguments(List.of(), Map.of());

  /// These arguments without the first.
  Arguments rest() {
    return new Arguments(positional.subList(1, positional.size()), keywords);
  }

  /// These arguments and one more.
  Arguments with(String name, Object value) {
    Map<String, Object> all = new LinkedHashMap<>(keywords);
    all.put(name, value);
    return new Arguments(positional, all);
  }

  /// The arguments by the names of the parameters of `function`.
  Bound bind(String function, String... names) {
    if (positional.size() > names.length) {
      throw new TemplateException(
          function + "() takes " + names.length + " arguments but got " + positional.size());
    }
    Map<String, Object> values = new HashMap<>();
    for (int i = 0; i < positional.size(); i++) {
      values.put(names[i], positional.get(i));
    }
    for (Map.Entry<String, Object> keyword : keywords.entrySet()) {
      if (!List.of(names).contains(keyword.getKey())) {
        // Names that a dict brings may be pieces of a prompt: no complaint may tell them.
        throw new TemplateException(function + "() got an unexpected keyword argument");
      }
      if (values.put(keyword.getKey(), keyword.getValue()) != null) {
        throw new TemplateException(function + "() got two values for one argument");
      }
    }
    return new Bound(function, values);
  }

  /// Arguments by name.
  ///
  /// @param function who was called
  /// @param values what was passed
  record Bound(String function, Map<String, Object> values) {
    Optional<Object> find(String name) {
      return Optional.ofNullable(values.get(name));
    }

    Object value(String name) {
      return find(name)
          .orElseThrow(
              () -> new TemplateException(function + "() misses the argument '" + name + "'"));
    }

    Object value(String name, Object otherwise) {
      return values.getOrDefault(name, otherwise);
    }

    boolean truth(String name) {
      return find(name).map(Values::truth).orElse(false);
    }

    /// A text that must be there.
    String text(String name) {
      if (value(name) instanceof String text) {
        return text;
      }
      throw new TemplateException(
          function + "() needs a str as '" + name + "', not " + Values.typeName(value(name)));
    }

    /// A text; nothing where it was left out or is None.
    Optional<String> textOrNone(String name) {
      return value(name, None.NONE) == None.NONE ? Optional.empty() : Optional.of(text(name));
    }

    int integer(String name, int otherwise) {
      return find(name).filter(v -> v != None.NONE).map(v -> Values.index(v)).orElse(otherwise);
    }
  }
}
