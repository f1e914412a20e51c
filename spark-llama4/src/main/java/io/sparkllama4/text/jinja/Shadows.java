package io.sparkllama4.text.jinja;

/// Punctuation in disguise. A caller that must tell text from outside from the template's own
/// replaces a character of the former by its shadow; the template cannot see the difference, and
/// the output still shows it.
///
/// Unicode sets U+FDD0 to U+FDEF aside as no characters, for uses like this one. They are 32, as
/// many as ASCII has punctuation characters, and a shadow is one `char` as its original is: every
/// place in a text stays where it is. None of them is a letter, a digit or white space, nor are the
/// originals, so that changing case and trimming need no care.
public enum Shadows {
  /// Texts may hold shadows.
  PRESENT,
  /// U+FDD0 to U+FDEF are characters like any other.
  ABSENT;

  private static final String ORIGINALS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
  private static final char FIRST = '\uFDD0';

  /// True where `c` can be put in shadow.
  public static boolean canHide(char c) {
    return ORIGINALS.indexOf(c) >= 0;
  }

  /// True where `c` is a shadow.
  public static boolean isShadow(char c) {
    return c >= FIRST && c < FIRST + ORIGINALS.length();
  }

  /// The shadow of a punctuation character.
  public static char hide(char c) {
    return (char) (FIRST + ORIGINALS.indexOf(c));
  }

  /// The text with every shadow replaced by its original.
  public static String plain(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (isShadow(text.charAt(i))) {
        char[] chars = text.toCharArray();
        for (int k = i; k < chars.length; k++) {
          chars[k] = (char) plain(chars[k]);
        }
        return new String(chars);
      }
    }
    return text;
  }

  static int plain(int codePoint) {
    return codePoint <= Character.MAX_VALUE && isShadow((char) codePoint)
        ? ORIGINALS.charAt(codePoint - FIRST)
        : codePoint;
  }
}
