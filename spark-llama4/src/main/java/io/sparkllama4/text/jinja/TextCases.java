package io.sparkllama4.text.jinja;

import io.sparkllama4.text.jinja.Methods.Method;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntPredicate;

/// The methods of text that change its case or its width, or ask what it consists of.
final class TextCases {
  static final Map<String, Method<String>> METHODS = methods();

  /// How far a sigma looks for letters; further off stand only marks that nobody writes.
  private static final int SIGMA_CONTEXT = 16;

  private TextCases() {}

  private static Map<String, Method<String>> methods() {
    Map<String, Method<String>> methods = new HashMap<>();
    methods.put("upper", (s, self, a) -> s.made(self.toUpperCase(Locale.ROOT)));
    methods.put("lower", (s, self, a) -> s.made(lower(self)));
    methods.put("casefold", (s, self, a) -> s.made(casefold(self)));
    methods.put("title", (s, self, a) -> s.made(title(self)));
    methods.put("capitalize", (s, self, a) -> s.made(capitalize(self)));
    methods.put("swapcase", (s, self, a) -> s.made(swapcase(self)));
    methods.put("center", (s, self, a) -> pad(s, self, a, "center"));
    methods.put("ljust", (s, self, a) -> pad(s, self, a, "ljust"));
    methods.put("rjust", (s, self, a) -> pad(s, self, a, "rjust"));
    methods.put("zfill", TextCases::zfill);
    methods.put("expandtabs", TextCases::expandtabs);
    methods.put("isspace", (s, self, a) -> all(self, Characters::isSpace));
    methods.put("isalpha", (s, self, a) -> all(self, Character::isLetter));
    methods.put("isalnum", (s, self, a) -> all(self, TextCases::isAlphanumeric));
    methods.put("isdecimal", (s, self, a) -> all(self, Character::isDigit));
    methods.put("isdigit", (s, self, a) -> all(self, TextCases::isDigit));
    methods.put("isnumeric", (s, self, a) -> all(self, TextCases::isNumeric));
    methods.put("isascii", (s, self, a) -> s.plain(self).chars().allMatch(c -> c < 128));
    methods.put(
        "isprintable",
        (s, self, a) -> s.plain(self).codePoints().allMatch(Representation::isPrintable));
    methods.put("isidentifier", (s, self, a) -> isIdentifier(s.plain(self)));
    methods.put("isupper", (s, self, a) -> isUpper(self));
    methods.put("islower", (s, self, a) -> isLower(self));
    methods.put(
        "istitle",
        (s, self, a) -> self.codePoints().anyMatch(TextCases::isCased) && title(self).equals(self));
    return methods;
  }

  static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
  }

  /// The first letter as in a title, the rest in lower case.
  static String capitalize(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = Character.charCount(text.codePointAt(0));
    // The end of a word changes a sigma, so that the whole text is what gets lowered.
    return titleCase(text.codePointAt(0)) + lower(text).substring(lowered(text, first));
  }

  private static int lowered(String text, int first) {
    return lower(text.substring(0, first)).length();
  }

  /// Every run of letters begins with a capital.
  private static String title(String text) {
    StringBuilder title = new StringBuilder();
    boolean inWord = false;
    for (int at = 0; at < text.length(); at = text.offsetByCodePoints(at, 1)) {
      int c = text.codePointAt(at);
      title.append(isCased(c) && !inWord ? titleCase(c) : lower(text, at));
      inWord = isCased(c);
    }
    return title.toString();
  }

  /// One character in lower case, which of a sigma depends on where it stands.
  private static String lower(String text, int at) {
    int c = text.codePointAt(at);
    if (c != 'Σ') {
      return lower(Character.toString(c));
    }
    int before = Math.max(0, at - SIGMA_CONTEXT);
    String part = text.substring(before, Math.min(text.length(), at + SIGMA_CONTEXT));
    int place = lower(part.substring(0, at - before)).length();
    return lower(part).substring(place, place + 1);
  }

  /// Lower case without regard to place, for comparing.
  private static String casefold(String text) {
    StringBuilder folded = new StringBuilder();
    text.codePoints().forEach(c -> folded.append(lower(Character.toString(c))));
    return folded.toString().replace("ß", "ss").replace('ς', 'σ');
  }

  /// What a letter becomes at the head of a word; `ß` and ligatures become two letters.
  private static String titleCase(int c) {
    int simple = Character.toTitleCase(c);
    String upper = Character.toString(c).toUpperCase(Locale.ROOT);
    if (simple != c || upper.codePointCount(0, upper.length()) == 1) {
      return Character.toString(simple);
    }
    int first = Character.charCount(upper.codePointAt(0));
    return upper.substring(0, first) + lower(upper.substring(first));
  }

  private static String swapcase(String text) {
    StringBuilder swapped = new StringBuilder();
    for (int at = 0; at < text.length(); at = text.offsetByCodePoints(at, 1)) {
      int c = text.codePointAt(at);
      swapped.append(
          Character.isUpperCase(c)
              ? lower(text, at)
              : Character.toString(c).toUpperCase(Locale.ROOT));
    }
    return swapped.toString();
  }

  private static boolean isCased(int c) {
    return Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
  }

  static boolean isUpper(String text) {
    return text.codePoints().anyMatch(Character::isUpperCase)
        && text.codePoints().noneMatch(c -> Character.isLowerCase(c) || Character.isTitleCase(c));
  }

  static boolean isLower(String text) {
    return text.codePoints().anyMatch(Character::isLowerCase)
        && text.codePoints().noneMatch(c -> Character.isUpperCase(c) || Character.isTitleCase(c));
  }

  private static boolean all(String text, IntPredicate holds) {
    return !text.isEmpty() && text.codePoints().allMatch(holds);
  }

  static boolean isAlphanumeric(int c) {
    return Character.isLetter(c) || isNumeric(c);
  }

  private static boolean isDigit(int c) {
    return Character.isDigit(c) || "²³¹⁰⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉".indexOf(c) >= 0;
  }

  private static boolean isNumeric(int c) {
    int type = Character.getType(c);
    return Character.isDigit(c)
        || type == Character.LETTER_NUMBER
        || type == Character.OTHER_NUMBER;
  }

  private static boolean isIdentifier(String text) {
    return !text.isEmpty()
        && (text.charAt(0) == '_' || Character.isUnicodeIdentifierStart(text.codePointAt(0)))
        && text.codePoints()
            .allMatch(c -> Character.isUnicodeIdentifierPart(c) && !Character.isISOControl(c));
  }

  private static Object pad(Session session, String self, Arguments arguments, String name) {
    Arguments.Bound bound = arguments.bind(name, "width", "fillchar");
    String fill = bound.textOrNone("fillchar").orElse(" ");
    if (Characters.length(fill) != 1) {
      throw new TemplateException("The fill character must be exactly one character long");
    }
    return pad(session, self, bound.integer("width", 0), fill, name);
  }

  /// The text in the middle, at the left or at the right of `width` characters.
  static String pad(Session session, String self, int width, String fill, String name) {
    int missing = Math.max(0, width - Characters.length(self));
    session.charge((long) self.length() + missing);
    int left =
        switch (name) {
          case "ljust" -> 0;
          case "rjust" -> missing;
          // Python puts the odd one to the left where the width is odd.
          default -> missing / 2 + (missing & width & 1);
        };
    return fill.repeat(left) + self + fill.repeat(missing - left);
  }

  private static Object zfill(Session session, String self, Arguments arguments) {
    int width = arguments.bind("zfill", "width").integer("width", 0);
    String plain = session.plain(self);
    int sign = plain.startsWith("+") || plain.startsWith("-") ? 1 : 0;
    return self.substring(0, sign) + pad(session, self.substring(sign), width - sign, "0", "rjust");
  }

  private static Object expandtabs(Session session, String self, Arguments arguments) {
    int size = arguments.bind("expandtabs", "tabsize").integer("tabsize", 8);
    StringBuilder text = new StringBuilder();
    int column = 0;
    for (int c : self.codePoints().toArray()) {
      if (c == '\t') {
        int spaces = size > 0 ? size - column % size : 0;
        session.charge(spaces);
        text.append(" ".repeat(spaces));
        column += spaces;
      } else {
        text.appendCodePoint(c);
        column = c == '\n' || c == '\r' ? 0 : column + 1;
      }
    }
    return session.made(text.toString());
  }
}
