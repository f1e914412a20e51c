package io.sparkllama4.text.jinja;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Rewrites a template for Jinjava: jinja2's rules of white space for `trim_blocks` and
/// `lstrip_blocks` are applied, comments are gone, `raw` blocks are plain text, and tags stand
/// between characters that no text holds. Jinjava's own rules differ: it strips in front of a tag
/// that has text before it in its line, knows no `+`, and takes other characters for white space.
final class TemplateSource {
  static final String EXPRESSION_START = "\uFDD0";
  static final String EXPRESSION_END = "\uFDD1";
  static final String TAG_START = "\uFDD2";
  static final String TAG_END = "\uFDD3";
  static final String NOTE_START = "\uFDD4";
  static final String NOTE_END = "\uFDD5";
  private static final Pattern DELIMITERS = Pattern.compile("[\uFDD0-\uFDD5]");

  // Python's white space, which \s of a regular expression means there.
  private static final String SPACE =
      "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]*+";
  private static final Pattern RAW =
      Pattern.compile("\\{%([-+]?)" + SPACE + "raw" + SPACE + "(?:-%\\}" + SPACE + "|%\\})");
  private static final Pattern END_RAW =
      Pattern.compile(
          "\\{%([-+]?)" + SPACE + "endraw" + SPACE + "(?:\\+%\\}|-%\\}" + SPACE + "|%\\}\\n?)");
  private static final Pattern OPENER = Pattern.compile("\\{[{%#]");

  private final String source;
  private final StringBuilder canonical = new StringBuilder();
  private int position;
  private boolean startsLine = true;

  private TemplateSource(String source) {
    this.source = source;
  }

  static String canonical(String template) {
    if (DELIMITERS.matcher(template).find()) {
      throw new TemplateSyntaxException("The template holds characters from U+FDD0 to U+FDD5", 1);
    }
    String source = template.replace("\r\n", "\n").replace('\r', '\n');
    if (source.endsWith("\n")) {
      source = source.substring(0, source.length() - 1);
    }
    TemplateSource rewriting = new TemplateSource(source);
    rewriting.run();
    return rewriting.canonical.toString();
  }

  private void run() {
    Matcher openers = OPENER.matcher(source);
    while (openers.find(position)) {
      int opener = openers.start();
      Matcher raw = RAW.matcher(source).region(opener, source.length());
      if (raw.lookingAt()) {
        text(opener, raw.group(1), '%');
        raw(raw.end());
        continue;
      }
      char kind = source.charAt(opener + 1);
      String sign = source.startsWith("-", opener + 2) ? "-" : "";
      sign = source.startsWith("+", opener + 2) ? "+" : sign;
      text(opener, sign, kind);
      position = opener + 2 + sign.length();
      if (kind == '#') {
        int end = source.indexOf("#}", position);
        if (end < 0) {
          throw failure("Missing end of comment tag");
        }
        moveBehind(end, kind);
      } else {
        tag(kind);
      }
    }
    canonical.append(source, position, source.length());
  }

  private TemplateSyntaxException failure(String message) {
    int line = 1 + (int) source.substring(0, position).chars().filter(c -> c == '\n').count();
    return new TemplateSyntaxException(message, line);
  }

  /// The text up to a tag, which its sign, or its being no variable, trims.
  private void text(int end, String sign, char kind) {
    String text = source.substring(position, end);
    if (sign.equals("-")) {
      text = Values.strip(text, false, true);
    } else if (sign.isEmpty() && kind != '{') {
      int start = text.lastIndexOf('\n') + 1;
      if ((start > 0 || startsLine) && Values.strip(text.substring(start), true, false).isEmpty()) {
        text = text.substring(0, start);
      }
    }
    canonical.append(text);
  }

  /// Goes on behind the end of a tag, and behind the white space that its sign or kind takes.
  private void moveBehind(int end, char kind) {
    char sign = end > position ? source.charAt(end - 1) : ' ';
    int from = end + 2;
    if (sign == '-') {
      String rest = source.substring(from);
      from = source.length() - Values.strip(rest, true, false).length();
    } else if (kind != '{' && sign != '+' && source.startsWith("\n", from)) {
      from++;
    }
    position = from;
    startsLine = source.charAt(position - 1) == '\n';
  }

  private void tag(char kind) {
    int end = end(kind == '{' ? "}}" : "%}");
    char sign = source.charAt(end - 1);
    boolean signed = end > position && (sign == '-' || (sign == '+' && kind == '%'));
    // The spaces keep a minus of an expression from being taken for a sign.
    canonical
        .append(kind == '{' ? EXPRESSION_START : TAG_START)
        .append(' ')
        .append(source, position, signed ? end - 1 : end)
        .append(' ')
        .append(kind == '{' ? EXPRESSION_END : TAG_END);
    moveBehind(end, kind);
  }

  /// The end of a tag, outside of texts and brackets.
  private int end(String closer) {
    Deque<Character> brackets = new ArrayDeque<>();
    for (int at = position; at < source.length(); at++) {
      char c = source.charAt(at);
      int opened = "([{".indexOf(c);
      if (brackets.isEmpty() && source.startsWith(closer, at)) {
        return at;
      } else if (c == '\'' || c == '"') {
        at++;
        while (at < source.length() && source.charAt(at) != c) {
          at += source.charAt(at) == '\\' ? 2 : 1;
        }
      } else if (opened >= 0) {
        brackets.push(")]}".charAt(opened));
      } else if (")]}".indexOf(c) >= 0 && (brackets.isEmpty() || brackets.pop() != c)) {
        throw failure("Unexpected '" + c + "'");
      }
    }
    throw failure("Unexpected end of template in a tag");
  }

  private void raw(int content) {
    position = content;
    startsLine = source.charAt(content - 1) == '\n';
    Matcher end = END_RAW.matcher(source);
    if (!end.find(content)) {
      throw failure("Missing end of raw directive");
    }
    text(end.start(), end.group(1), '%');
    position = end.end();
    startsLine = source.charAt(position - 1) == '\n';
  }
}
