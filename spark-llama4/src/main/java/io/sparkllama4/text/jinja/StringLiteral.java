package io.sparkllama4.text.jinja;

/// What a string in a template means: Python's escapes.
final class StringLiteral {
  private static final String SIMPLE = "\\\\''\"\"a\u0007b\bf\fn\nr\rt\tv\u000b";

  private final String raw;
  private final int line;
  private final StringBuilder value = new StringBuilder();
  private int position;

  private StringLiteral(String raw, int line) {
    this.raw = raw;
    this.line = line;
  }

  static String value(String raw, int line) {
    if (raw.indexOf('\\') < 0) {
      return raw;
    }
    StringLiteral literal = new StringLiteral(raw, line);
    literal.run();
    return literal.value.toString();
  }

  private void run() {
    while (position < raw.length()) {
      char c = raw.charAt(position++);
      if (c == '\\') {
        escape(raw.charAt(position++));
      } else {
        value.append(c);
      }
    }
  }

  private void escape(char c) {
    for (int i = 0; i < SIMPLE.length(); i += 2) {
      if (SIMPLE.charAt(i) == c) {
        value.append(SIMPLE.charAt(i + 1));
        return;
      }
    }
    switch (c) {
      case '\n' -> {}
      case 'x' -> hexadecimal(2);
      case 'u' -> hexadecimal(4);
      case 'U' -> hexadecimal(8);
      case 'N' -> name();
      default -> {
        if (c >= '0' && c <= '7') {
          octal();
        } else {
          // Python keeps what it does not know.
          value.append('\\').append(c);
        }
      }
    }
  }

  private void hexadecimal(int digits) {
    int end = position + digits;
    int code = 0;
    for (int i = position; i < end; i++) {
      int digit = i < raw.length() ? Character.digit(raw.charAt(i), 16) : -1;
      if (digit < 0) {
        throw new TemplateSyntaxException("A string has a broken escape", line);
      }
      code = code << 4 | digit;
    }
    if (!Character.isValidCodePoint(code)) {
      throw new TemplateSyntaxException("A string has an escape that is no character", line);
    }
    value.appendCodePoint(code);
    position = end;
  }

  private void octal() {
    int from = position - 1;
    int end = from;
    while (end < raw.length() && end < from + 3 && "01234567".indexOf(raw.charAt(end)) >= 0) {
      end++;
    }
    value.appendCodePoint(Integer.parseInt(raw.substring(from, end), 8));
    position = end;
  }

  private void name() {
    int close = raw.indexOf('}', position);
    if (close < 0 || raw.charAt(position) != '{') {
      throw new TemplateSyntaxException("A string has a broken escape", line);
    }
    try {
      value.appendCodePoint(Character.codePointOf(raw.substring(position + 1, close)));
    } catch (IllegalArgumentException e) {
      throw new TemplateSyntaxException("A string names a character that is unknown", line);
    }
    position = close + 1;
  }
}
