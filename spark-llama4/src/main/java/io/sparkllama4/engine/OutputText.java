package io.sparkllama4.engine;

/// The text of one growing output. Confined to the engine's thread.
public interface OutputText {
  /// Takes the next token; returns the text that is complete now, which may be empty while the
  /// bytes of a character are still coming.
  String append(int id);

  /// Takes no more; returns what is left, a broken character as U+FFFD.
  String finish();
}
