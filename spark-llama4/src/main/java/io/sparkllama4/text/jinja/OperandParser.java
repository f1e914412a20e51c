package io.sparkllama4.text.jinja;

import io.sparkllama4.text.jinja.Expression.CallArguments;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Reads what operators stand between: names, literals, brackets, and what follows them.
final class OperandParser {
  private static final Expression NONE = new Expression.Literal(None.NONE);

  private final TokenStream tokens;
  private final ExpressionParser expressions;
  private Set<String> names = new HashSet<>();

  OperandParser(TokenStream tokens, ExpressionParser expressions) {
    this.tokens = tokens;
    this.expressions = expressions;
  }

  /// Gives the variables that were named since the last call, and notes further ones in `others`:
  /// a macro asks for those of its body.
  Set<String> swapNames(Set<String> others) {
    Set<String> found = names;
    names = others;
    return found;
  }

  /// An operand with what follows it.
  Expression operand() {
    return postfixed(primary());
  }

  /// A name, a literal or what stands in brackets.
  Expression primary() {
    Token token = tokens.current();
    return switch (token.kind()) {
      case NAME -> name(tokens.next().text());
      case STRING -> {
        StringBuilder text = new StringBuilder();
        while (tokens.at(Token.Kind.STRING)) {
          text.append(tokens.next().text());
        }
        yield new Expression.Literal(text.toString());
      }
      case INTEGER -> new Expression.Literal(integer(tokens.next()));
      case FLOAT -> new Expression.Literal(Double.valueOf(tokens.next().text()));
      case OPERATOR -> bracketed();
      default -> throw tokens.failure("Expected an expression");
    };
  }

  private Expression name(String name) {
    return switch (name) {
      case "true", "True" -> new Expression.Literal(true);
      case "false", "False" -> new Expression.Literal(false);
      case "none", "None" -> NONE;
      default -> {
        names.add(name);
        yield new Expression.Name(name);
      }
    };
  }

  private static Object integer(Token token) {
    String text = token.text().replace("_", "");
    int radix =
        switch (text.length() > 1 ? Character.toLowerCase(text.charAt(1)) : ' ') {
          case 'x' -> 16;
          case 'o' -> 8;
          case 'b' -> 2;
          default -> 10;
        };
    return Arithmetic.integer(new BigInteger(radix == 10 ? text : text.substring(2), radix));
  }

  private Expression bracketed() {
    tokens.enter();
    try {
      if (tokens.skipOperator("(")) {
        Expression inside =
            tokens.atOperator(")")
                ? new Expression.TupleOf(List.of())
                : expressions.tuple(Set.of());
        tokens.expectOperator(")");
        return inside;
      }
      if (tokens.skipOperator("[")) {
        List<Expression> items = new ArrayList<>();
        while (!tokens.atOperator("]")) {
          items.add(expressions.expression());
          if (!tokens.skipOperator(",")) {
            break;
          }
        }
        tokens.expectOperator("]");
        return new Expression.ListOf(List.copyOf(items));
      }
      if (tokens.skipOperator("{")) {
        return dict();
      }
      throw tokens.failure("Expected an expression");
    } finally {
      tokens.leave();
    }
  }

  private Expression dict() {
    List<Expression.Pair> pairs = new ArrayList<>();
    while (!tokens.atOperator("}")) {
      Expression key = expressions.expression();
      tokens.expectOperator(":");
      pairs.add(new Expression.Pair(key, expressions.expression()));
      if (!tokens.skipOperator(",")) {
        break;
      }
    }
    tokens.expectOperator("}");
    return new Expression.DictOf(List.copyOf(pairs));
  }

  /// What follows with `.name`, `[index]` or `(arguments)`.
  Expression postfixed(Expression base) {
    Expression value = base;
    while (true) {
      if (tokens.skipOperator(".")) {
        Token name = tokens.next();
        value =
            switch (name.kind()) {
              case NAME -> new Expression.Attribute(value, name.text());
              case INTEGER -> new Expression.Item(value, new Expression.Literal(integer(name)));
              default -> throw new TemplateSyntaxException("Expected a name", name.line());
            };
      } else if (tokens.skipOperator("[")) {
        value = new Expression.Item(value, index());
      } else if (tokens.atOperator("(")) {
        value = new Expression.Call(value, arguments());
      } else {
        return value;
      }
    }
  }

  private Expression index() {
    List<Expression> parts = new ArrayList<>();
    boolean tuple = false;
    while (!tokens.atOperator("]")) {
      parts.add(indexPart());
      if (!tokens.skipOperator(",")) {
        break;
      }
      tuple = true;
    }
    tokens.expectOperator("]");
    if (parts.size() == 1 && !tuple) {
      return parts.getFirst();
    }
    return new Expression.TupleOf(List.copyOf(parts));
  }

  private Expression indexPart() {
    Expression start = tokens.atOperator(":") ? NONE : expressions.expression();
    if (!tokens.skipOperator(":")) {
      return start;
    }
    Expression stop = atPartEnd() ? NONE : expressions.expression();
    Expression step = tokens.skipOperator(":") && !atPartEnd() ? expressions.expression() : NONE;
    return new Expression.Slice(start, stop, step);
  }

  private boolean atPartEnd() {
    return tokens.atOperator(":") || tokens.atOperator("]") || tokens.atOperator(",");
  }

  /// What stands in the brackets of a call.
  CallArguments arguments() {
    tokens.expectOperator("(");
    List<Expression> positional = new ArrayList<>();
    List<Expression.Keyword> keywords = new ArrayList<>();
    List<Expression> spread = new ArrayList<>();
    List<Expression> spreadKeywords = new ArrayList<>();
    while (!tokens.atOperator(")")) {
      if (tokens.skipOperator("**")) {
        spreadKeywords.add(expressions.expression());
      } else if (tokens.skipOperator("*")) {
        spread.add(expressions.expression());
      } else if (tokens.at(Token.Kind.NAME) && tokens.following().isOperator("=")) {
        String name = tokens.next().text();
        tokens.next();
        keywords.add(new Expression.Keyword(name, expressions.expression()));
      } else if (spread.isEmpty() && spreadKeywords.isEmpty() && keywords.isEmpty()) {
        positional.add(expressions.expression());
      } else {
        throw tokens.failure("A positional argument follows one with a name");
      }
      if (!tokens.skipOperator(",")) {
        break;
      }
    }
    tokens.expectOperator(")");
    if (spread.size() > 1 || spreadKeywords.size() > 1) {
      throw tokens.failure("A call can spread one list and one dict");
    }
    return new CallArguments(
        List.copyOf(positional),
        List.copyOf(keywords),
        List.copyOf(spread),
        List.copyOf(spreadKeywords));
  }
}
