package io.sparkllama4.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Splits a template into text and tags, with jinja2's rules of white space for `trim_blocks` and
/// `lstrip_blocks`: a newline behind a statement or comment goes, and so does the indentation in
/// front of it; `-` takes all white space on its side, `+` keeps it.
final class Lexer {
  private static final Pattern NEWLINES = Pattern.compile("\r\n|\r");
  // Python's white space, which \s of a regular expression means there.
  private static final String SPACE =
      "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]*+";
  private static final Pattern RAW =
      Pattern.compile("\\{%([-+]?)" + SPACE + "raw" + SPACE + "(?:-%\\}" + SPACE + "|%\\})");
  private static final Pattern END_RAW =
      Pattern.compile(
          "\\{%([-+]?)" + SPACE + "endraw" + SPACE + "(?:\\+%\\}|-%\\}" + SPACE + "|%\\}\\n?)");

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int position;
  private int line = 1;
  private boolean startsLine = true;

  private Lexer(String source) {
    this.source = source;
  }

  static List<Token> tokens(String template) {
    String source = NEWLINES.matcher(template).replaceAll("\n");
    if (source.endsWith("\n")) {
      source = source.substring(0, source.length() - 1);
    }
    Lexer lexer = new Lexer(source);
    lexer.run();
    return List.copyOf(lexer.tokens);
  }

  private void run() {
    while (position < source.length()) {
      int opener = nextOpener();
      if (opener < 0) {
        add(Token.Kind.DATA, source.substring(position));
        break;
      }
      Matcher raw = RAW.matcher(source).region(opener, source.length());
      if (raw.lookingAt()) {
        text(opener, sign(raw.group(1)), '%');
        raw(raw.end());
        continue;
      }
      char kind = source.charAt(opener + 1);
      char sign = opener + 2 < source.length() ? source.charAt(opener + 2) : ' ';
      boolean signed = sign == '-' || sign == '+';
      text(opener, signed ? sign : ' ', kind);
      int content = opener + (signed ? 3 : 2);
      if (kind == '#') {
        comment(content);
      } else {
        tag(content, kind == '{');
      }
    }
    add(Token.Kind.END, "");
  }

  private static char sign(String text) {
    return text.isEmpty() ? ' ' : text.charAt(0);
  }

  private int nextOpener() {
    for (int i = source.indexOf('{', position); i >= 0; i = source.indexOf('{', i + 1)) {
      if (i + 1 < source.length() && "{%#".indexOf(source.charAt(i + 1)) >= 0) {
        return i;
      }
    }
    return -1;
  }

  /// The text up to a tag, which its sign, or its being no variable, trims.
  private void text(int end, char sign, char kind) {
    String text = source.substring(position, end);
    String kept = text;
    if (sign == '-') {
      kept = Characters.stripEnd(text);
    } else if (sign != '+' && kind != '{') {
      int start = text.lastIndexOf('\n') + 1;
      if ((start > 0 || startsLine) && Characters.isBlank(text.substring(start))) {
        kept = text.substring(0, start);
      }
    }
    if (!kept.isEmpty()) {
      add(Token.Kind.DATA, kept);
    }
    moveTo(end);
  }

  private void comment(int content) {
    int end = source.indexOf("#}", content);
    if (end < 0) {
      throw new TemplateSyntaxException("Missing end of comment tag", line);
    }
    char sign = end > content ? source.charAt(end - 1) : ' ';
    moveTo(afterEnd(end + 2, sign));
    startsLine = source.charAt(position - 1) == '\n';
  }

  /// Where the text behind an end of a statement or comment begins.
  private int afterEnd(int end, char sign) {
    if (sign == '-') {
      return Characters.skipSpace(source, end);
    }
    return sign != '+' && end < source.length() && source.charAt(end) == '\n' ? end + 1 : end;
  }

  private void tag(int content, boolean variable) {
    add(variable ? Token.Kind.VARIABLE_BEGIN : Token.Kind.BLOCK_BEGIN, "");
    moveTo(content);
    TagLexer lexer = new TagLexer(source, position, line, variable);
    tokens.addAll(lexer.tokens());
    int end = lexer.end();
    char sign = lexer.endSign();
    if (!variable) {
      moveTo(afterEnd(end, sign));
    } else {
      moveTo(sign == '-' ? Characters.skipSpace(source, end) : end);
    }
    startsLine = source.charAt(position - 1) == '\n';
  }

  private void raw(int content) {
    moveTo(content);
    startsLine = source.charAt(content - 1) == '\n';
    Matcher matcher = END_RAW.matcher(source);
    if (!matcher.find(content)) {
      throw new TemplateSyntaxException("Missing end of raw directive", line);
    }
    text(matcher.start(), sign(matcher.group(1)), '%');
    moveTo(matcher.end());
    startsLine = source.charAt(position - 1) == '\n';
  }

  private void moveTo(int next) {
    for (int i = position; i < next; i++) {
      if (source.charAt(i) == '\n') {
        line++;
      }
    }
    position = next;
  }

  private void add(Token.Kind kind, String text) {
    tokens.add(new Token(kind, text, line));
  }
}
