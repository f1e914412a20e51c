package io.sparkllama4.text.jinja;

/// Python's view of characters: code points, and what counts as white space.
final class Characters {
  private Characters() {}

  /// What `str.isspace` holds for white space; Java's idea differs in a dozen characters.
  static boolean isSpace(int c) {
    return c == ' '
        || (c >= 0x09 && c <= 0x0d)
        || (c >= 0x1c && c <= 0x1f)
        || c == 0x85
        || c == 0xa0
        || c == 0x1680
        || (c >= 0x2000 && c <= 0x200a)
        || c == 0x2028
        || c == 0x2029
        || c == 0x202f
        || c == 0x205f
        || c == 0x3000;
  }

  /// True for one character of white space or more, and nothing else.
  static boolean isBlank(String text) {
    return !text.isEmpty() && text.chars().allMatch(Characters::isSpace);
  }

  static int skipSpace(String text, int from) {
    int at = from;
    while (at < text.length() && isSpace(text.charAt(at))) {
      at++;
    }
    return at;
  }

  static String stripEnd(String text) {
    int end = text.length();
    while (end > 0 && isSpace(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(0, end);
  }

  static String strip(String text) {
    String cut = stripEnd(text);
    return cut.substring(skipSpace(cut, 0));
  }

  /// The length that Python tells: code points, not `char`s.
  static int length(String text) {
    return text.codePointCount(0, text.length());
  }

  /// The place in `text` of the code point at `index`, which may be one behind the last.
  static int offset(String text, int index) {
    return text.offsetByCodePoints(0, index);
  }

  /// Orders texts as Python does, by code point; `String.compareTo` puts surrogates too low.
  static int compare(String a, String b) {
    int shared = Math.min(a.length(), b.length());
    for (int i = 0; i < shared; i++) {
      char x = a.charAt(i);
      char y = b.charAt(i);
      if (x != y) {
        boolean mixed = Character.isSurrogate(x) != Character.isSurrogate(y);
        return mixed ? (Character.isSurrogate(x) ? 1 : -1) : Character.compare(x, y);
      }
    }
    return Integer.compare(a.length(), b.length());
  }
}
