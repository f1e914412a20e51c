package io.sparkllama4.text.jinja;

/// A piece of a template's source.
///
/// @param kind what it is
/// @param text its text; of a string the value, of data what is left after trimming
/// @param line where it stands, from 1
record Token(Kind kind, String text, int line) {
  enum Kind {
    DATA,
    VARIABLE_BEGIN,
    VARIABLE_END,
    BLOCK_BEGIN,
    BLOCK_END,
    NAME,
    STRING,
    INTEGER,
    FLOAT,
    OPERATOR,
    END
  }

  boolean isName(String name) {
    return kind == Kind.NAME && text.equals(name);
  }

  boolean isOperator(String operator) {
    return kind == Kind.OPERATOR && text.equals(operator);
  }

  /// How a complaint names it. What a template holds may be shown: it is no prompt.
  String describe() {
    return switch (kind) {
      case DATA -> "text";
      case VARIABLE_BEGIN -> "'{{'";
      case VARIABLE_END -> "'}}'";
      case BLOCK_BEGIN -> "'{%'";
      case BLOCK_END -> "'%}'";
      case END -> "the end of the template";
      case NAME, STRING, INTEGER, FLOAT, OPERATOR -> "'" + text + "'";
    };
  }
}
