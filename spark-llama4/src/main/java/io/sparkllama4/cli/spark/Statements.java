package io.sparkllama4.cli.spark;

import java.util.ArrayList;
import java.util.List;

/// Splits SQL text into statements at each `;` that stands in no literal, quoted name or comment.
final class Statements {
  private final String text;
  private final List<String> statements = new ArrayList<>();
  private int start;
  private int at;

  private Statements(String text) {
    this.text = text;
  }

  /// The statements of `text`, without those that are empty or comments alone.
  static List<String> split(String text) {
    return new Statements(text).split();
  }

  private List<String> split() {
    boolean hasWords = false;
    while (at < text.length()) {
      char c = text.charAt(at);
      if (c == ';') {
        end(hasWords);
        hasWords = false;
      } else if (c == '\'' || c == '"' || c == '`') {
        skipQuoted(c, c != '`' && !isRaw());
        hasWords = true;
      } else if (text.startsWith("--", at)) {
        skipLine();
      } else if (text.startsWith("/*", at)) {
        skipComment();
      } else {
        hasWords |= !Character.isWhitespace(c);
        at++;
      }
    }
    end(hasWords);
    return statements;
  }

  private void end(boolean hasWords) {
    if (hasWords) {
      statements.add(text.substring(start, Math.min(at, text.length())).trim());
    }
    start = ++at;
  }

  /// True at the quote of a literal like `r'...'`.
  private boolean isRaw() {
    return at > 0
        && Character.toLowerCase(text.charAt(at - 1)) == 'r'
        && (at == 1 || !Character.isJavaIdentifierPart(text.charAt(at - 2)));
  }

  /// In a literal a backslash keeps the next character; in a raw literal and in a quoted name it
  /// means itself. A doubled quote ends one part and begins the next, which comes to the same.
  private void skipQuoted(char quote, boolean escapes) {
    at++;
    while (at < text.length() && text.charAt(at) != quote) {
      at += escapes && text.charAt(at) == '\\' ? 2 : 1;
    }
    at++;
  }

  /// In Spark SQL a comment goes on in the next line where a backslash ends this one.
  private void skipLine() {
    while (at < text.length() && text.charAt(at) != '\n' && text.charAt(at) != '\r') {
      at += text.startsWith("\\\n", at) ? 2 : 1;
    }
  }

  /// Bracketed comments nest in Spark SQL.
  private void skipComment() {
    int depth = 0;
    do {
      if (text.startsWith("/*", at)) {
        depth++;
        at += 2;
      } else if (text.startsWith("*/", at)) {
        depth--;
        at += 2;
      } else {
        at++;
      }
    } while (depth > 0 && at < text.length());
  }
}
