package io.sparkllama4.text.jinja;

import java.util.Map;

/// The one thing that a template can change: `{% set ns.name = value %}`. Confined to one
/// rendering.
///
/// @param attributes what it holds now
record Namespace(Map<Object, Object> attributes) {
  void set(String name, Object value) {
    if (name.startsWith("_")) {
      throw new TemplateException("A namespace cannot hold a name that starts with '_'");
    }
    attributes.put(name, value);
  }
}
