package io.sparkllama4.text.jinja;

import com.hubspot.jinjava.el.ext.ExtendedScanner;
import java.util.ArrayList;
import java.util.List;
import jinjava.de.odysseus.el.tree.impl.Scanner;
import org.jspecify.annotations.Nullable;

/// Jinjava's tokens with Python's texts, and without the words of the Java expression language:
/// `mod`, `empty` or `ne` are names like any other.
final class Tokens extends ExtendedScanner {
  private static final String ESCAPES = "\\\\''\"\"n\nr\rt\tb\bf\fa\u0007v\u000b";

  private Tokens(String input) {
    super(input);
  }

  /// The tokens of the inside of a tag, and `EOF`.
  static List<Token> of(String text) throws ScanException {
    Tokens scanner = new Tokens("#{ " + text + " }");
    scanner.next();
    List<Token> tokens = new ArrayList<>();
    while (scanner.next().getSymbol() != Scanner.Symbol.END_EVAL) {
      tokens.add(scanner.getToken());
    }
    tokens.add(new Token(Scanner.Symbol.EOF, "the end of the tag"));
    return tokens;
  }

  // JUEL's scanner takes null to mean a name; its own signature does not tell.
  @Override
  @SuppressWarnings("NullAway")
  protected @Nullable Token keyword(String name) {
    return null;
  }

  @Override
  protected Token nextEval() throws ScanException {
    char c = getInput().charAt(getPosition());
    if (c == '+') {
      return fixed(Scanner.Symbol.PLUS);
    }
    if (c == '!' && !getInput().startsWith("!=", getPosition())) {
      throw new ScanException(getPosition(), "!", "!=");
    }
    return super.nextEval();
  }

  @Override
  protected Token nextString() throws ScanException {
    StringBuilder text = new StringBuilder();
    String input = getInput();
    char quote = input.charAt(getPosition());
    int at = getPosition() + 1;
    while (at < input.length() && input.charAt(at) != quote) {
      char c = input.charAt(at++);
      if (c != '\\') {
        text.append(c);
        continue;
      }
      char escape = input.charAt(at++);
      int simple = ESCAPES.indexOf(escape);
      int digits = escape == 'x' ? 2 : escape == 'u' ? 4 : escape == 'U' ? 8 : 0;
      if (digits > 0) {
        text.appendCodePoint(codePoint(input, at, digits));
        at += digits;
      } else if (simple >= 0 && simple % 2 == 0) {
        text.append(ESCAPES.charAt(simple + 1));
      } else if (escape == 'N' || (escape >= '0' && escape <= '7')) {
        throw new ScanException(at, "\\" + escape, "\\x, \\u or \\U");
      } else if (escape != '\n') {
        // Python keeps what it does not know.
        text.append('\\').append(escape);
      }
    }
    return token(Scanner.Symbol.STRING, text.toString(), at + 1 - getPosition());
  }

  private static int codePoint(String input, int at, int digits) throws ScanException {
    String code = at + digits < input.length() ? input.substring(at, at + digits) : "";
    if (!code.matches("[0-9A-Fa-f]+")
        || !Character.isValidCodePoint((int) Long.parseLong(code, 16))) {
      throw new ScanException(at, "a broken escape", digits + " digits");
    }
    return Integer.parseInt(code, 16);
  }
}
