package io.sparkllama4.text.jinja;

/// The value of a name or attribute that is not there: prints as nothing, is false and empty, and
/// fails with its message as soon as anything else is asked of it.
///
/// @param message why there is no value
record Undefined(String message) {

  static Undefined name(String name) {
    return new Undefined("'" + name + "' is undefined");
  }

  /// An attribute that the template names in its source. A name that it computed may be a piece of
  /// a prompt and must not be told: see [#element].
  static Undefined attribute(Object owner, String name) {
    return new Undefined("'" + owner(owner) + "' has no attribute '" + name + "'");
  }

  static Undefined element(Object owner) {
    return new Undefined(owner(owner) + " has no such element");
  }

  private static String owner(Object value) {
    return value == None.NONE ? "None" : Values.typeName(value) + " object";
  }

  TemplateException failure() {
    return new TemplateException(message);
  }
}
