package io.sparkllama4.text.jinja;

import java.util.HashMap;
import java.util.Map;

/// Variables, and where to look for those that are not here. A loop pass, a macro call and a block
/// have their own: what they set is gone behind them.
final class Scope {
  private final Map<String, Object> variables = new HashMap<>();
  private final Map<String, Object> outer;
  private final Scope parent;

  /// The outermost scope, with the variables that the caller gives.
  Scope(Map<String, Object> given) {
    this.outer = given;
    this.parent = this;
  }

  private Scope(Scope parent) {
    this.outer = Map.of();
    this.parent = parent;
  }

  Scope inner() {
    return new Scope(this);
  }

  void set(String name, Object value) {
    variables.put(name, value);
  }

  Object find(String name) {
    Scope scope = this;
    while (true) {
      Object value = scope.variables.get(name);
      if (value != null) {
        return value;
      }
      if (scope.parent == scope) {
        Object given = scope.outer.get(name);
        return given == null ? Undefined.name(name) : given;
      }
      scope = scope.parent;
    }
  }
}
