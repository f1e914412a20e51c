package io.sparkllama4.text.jinja;

import java.util.List;

/// The tokens of a template, read from front to back, and how deep its parser is.
final class TokenStream {
  /// Deeper than any template that people write, and shallow enough for a thread's stack.
  private static final int DEEPEST = 100;

  private final List<Token> tokens;
  private int position;
  private int depth;

  TokenStream(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token current() {
    return tokens.get(position);
  }

  Token following() {
    return tokens.get(Math.min(position + 1, tokens.size() - 1));
  }

  /// Takes the current token.
  Token next() {
    Token token = current();
    if (token.kind() != Token.Kind.END) {
      position++;
    }
    return token;
  }

  boolean at(Token.Kind kind) {
    return current().kind() == kind;
  }

  boolean atName(String name) {
    return current().isName(name);
  }

  boolean atOperator(String operator) {
    return current().isOperator(operator);
  }

  /// Takes the name if it is next.
  boolean skipName(String name) {
    boolean found = atName(name);
    if (found) {
      next();
    }
    return found;
  }

  /// Takes the operator if it is next.
  boolean skipOperator(String operator) {
    boolean found = atOperator(operator);
    if (found) {
      next();
    }
    return found;
  }

  Token expect(Token.Kind kind) {
    if (!at(kind)) {
      throw failure("Expected " + new Token(kind, kind.name(), 0).describe());
    }
    return next();
  }

  void expectName(String name) {
    if (!skipName(name)) {
      throw failure("Expected '" + name + "'");
    }
  }

  void expectOperator(String operator) {
    if (!skipOperator(operator)) {
      throw failure("Expected '" + operator + "'");
    }
  }

  /// A complaint about the current token.
  TemplateSyntaxException failure(String message) {
    return new TemplateSyntaxException(
        message + ", found " + current().describe(), current().line());
  }

  /// Goes one level deeper into the tree; [#leave] goes back.
  void enter() {
    if (++depth > DEEPEST) {
      throw new TemplateSyntaxException("The template nests too deeply", current().line());
    }
  }

  void leave() {
    depth--;
  }
}
