package io.sparkllama4.text.jinja;

/// The value of a name or attribute that is not there: prints as nothing, is false and empty, and
/// fails with its message as soon as anything else is asked of it.
///
/// @param message why there is no value; it never tells a name that may come from a prompt
record Undefined(String message) {
  static Undefined of(Object owner) {
    return new Undefined("'" + Values.typeName(owner) + " object' has no such attribute or item");
  }
}
