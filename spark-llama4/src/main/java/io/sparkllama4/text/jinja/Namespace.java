package io.sparkllama4.text.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/// The one value that templates can change: `namespace()`.
///
/// @param attributes what it holds
record Namespace(Map<String, Object> attributes) {
  static Namespace of(Map<String, Object> given) {
    Namespace namespace = new Namespace(new LinkedHashMap<>());
    given.forEach(namespace::set);
    return namespace;
  }

  void set(String name, Object value) {
    if (name.startsWith("_")) {
      throw new TemplateException("A namespace takes no name that begins with an underscore");
    }
    attributes.put(name, value);
  }
}
