package io.sparkllama4.text.jinja;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/// Splits the inside of one tag into names, literals and operators, up to the end of the tag that
/// stands outside of all brackets.
final class TagLexer {
  private static final List<String> LONG_OPERATORS = List.of("//", "**", "==", "!=", ">=", "<=");
  private static final String OPERATORS = "+-/*%~[](){}><=.:|,;";
  private static final String DECIMAL = "0123456789";

  /// Python reads no integer that is longer.
  private static final int LONGEST_INTEGER = 4300;

  private final String source;
  private final int start;
  private final boolean variable;
  private final List<Token> tokens = new ArrayList<>();
  private final Deque<Character> brackets = new ArrayDeque<>();
  private int position;
  private int line;
  private int end = -1;
  private char endSign = ' ';

  TagLexer(String source, int start, int line, boolean variable) {
    this.source = source;
    this.start = start;
    this.position = start;
    this.line = line;
    this.variable = variable;
  }

  /// All tokens of the tag, its end among them.
  List<Token> tokens() {
    while (!atEnd()) {
      if (position >= source.length()) {
        throw new TemplateSyntaxException("Unexpected end of template in a tag", line);
      }
      int c = source.codePointAt(position);
      if (Characters.isSpace(c)) {
        line += c == '\n' ? 1 : 0;
        position++;
      } else if (c < 128 && Character.isDigit(c)) {
        number();
      } else if (c == '_' || Character.isLetterOrDigit(c)) {
        name();
      } else if (c == '\'' || c == '"') {
        string((char) c);
      } else {
        operator((char) c);
      }
    }
    return tokens;
  }

  /// Behind the end of the tag, its white space and newline not yet taken.
  int end() {
    return end;
  }

  /// The `-` or `+` in front of the end, else a space.
  char endSign() {
    return endSign;
  }

  private boolean atEnd() {
    if (!brackets.isEmpty()) {
      return false;
    }
    String closer = variable ? "}}" : "%}";
    for (String sign : variable ? List.of("-", "") : List.of("-", "+", "")) {
      if (source.startsWith(sign + closer, position)) {
        endSign = sign.isEmpty() ? ' ' : sign.charAt(0);
        end = position + sign.length() + 2;
        add(variable ? Token.Kind.VARIABLE_END : Token.Kind.BLOCK_END, "");
        return true;
      }
    }
    return false;
  }

  private void name() {
    int from = position;
    while (position < source.length()) {
      int c = source.codePointAt(position);
      if (c != '_' && !Character.isLetterOrDigit(c)) {
        break;
      }
      position += Character.charCount(c);
    }
    add(Token.Kind.NAME, source.substring(from, position));
  }

  private void string(char quote) {
    int from = ++position;
    while (position < source.length() && source.charAt(position) != quote) {
      position += source.charAt(position) == '\\' ? 2 : 1;
    }
    if (position >= source.length()) {
      throw new TemplateSyntaxException("A string has no end", line);
    }
    String raw = source.substring(from, position);
    add(Token.Kind.STRING, StringLiteral.value(raw, line));
    line += (int) raw.chars().filter(c -> c == '\n').count();
    position++;
  }

  private void number() {
    int from = position;
    if (source.charAt(from) == '0' && from + 1 < source.length()) {
      int radix = "box".indexOf(Character.toLowerCase(source.charAt(from + 1)));
      if (radix >= 0) {
        position = digits(from + 2, List.of("01", "01234567", "0123456789abcdef").get(radix));
        if (position > from + 2) {
          add(Token.Kind.INTEGER, source.substring(from, position));
          return;
        }
      }
    }
    int whole = digits(from, DECIMAL);
    int real = afterDot() ? whole : exponent(fraction(whole));
    position = real > whole ? real : whole;
    add(
        real > whole ? Token.Kind.FLOAT : Token.Kind.INTEGER,
        source.substring(from, position).replace("_", ""));
  }

  /// In `x.0.1` the numbers are indexes, not a float.
  private boolean afterDot() {
    return position > start && source.charAt(position - 1) == '.';
  }

  private int fraction(int from) {
    if (from < source.length() && source.charAt(from) == '.') {
      int after = digits(from + 1, DECIMAL);
      return after > from + 1 ? after : from;
    }
    return from;
  }

  private int exponent(int from) {
    if (from < source.length() && Character.toLowerCase(source.charAt(from)) == 'e') {
      int sign = from + 1;
      if (sign < source.length() && "+-".indexOf(source.charAt(sign)) >= 0) {
        sign++;
      }
      int after = digits(sign, DECIMAL);
      return after > sign ? after : from;
    }
    return from;
  }

  /// Behind the digits at `from`, single underscores between them allowed.
  private int digits(int from, String allowed) {
    int at = from;
    while (at < source.length()) {
      char c = Character.toLowerCase(source.charAt(at));
      boolean underscore =
          c == '_'
              && at > from
              && at + 1 < source.length()
              && allowed.indexOf(Character.toLowerCase(source.charAt(at + 1))) >= 0;
      if (allowed.indexOf(c) < 0 && !underscore) {
        break;
      }
      at++;
    }
    return at;
  }

  private void operator(char c) {
    for (String operator : LONG_OPERATORS) {
      if (source.startsWith(operator, position)) {
        add(Token.Kind.OPERATOR, operator);
        position += 2;
        return;
      }
    }
    if (OPERATORS.indexOf(c) < 0) {
      throw new TemplateSyntaxException("Unexpected character '" + c + "'", line);
    }
    int opened = "([{".indexOf(c);
    if (opened >= 0) {
      brackets.push(")]}".charAt(opened));
    } else if (")]}".indexOf(c) >= 0) {
      if (brackets.isEmpty() || brackets.pop() != c) {
        throw new TemplateSyntaxException("Unexpected '" + c + "'", line);
      }
    }
    add(Token.Kind.OPERATOR, String.valueOf(c));
    position++;
  }

  private void add(Token.Kind kind, String text) {
    if (kind == Token.Kind.INTEGER && text.length() > LONGEST_INTEGER) {
      throw new TemplateSyntaxException("A number is too long", line);
    }
    tokens.add(new Token(kind, text, line));
  }
}
