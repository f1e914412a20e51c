package io.sparkllama4.text.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Supplier;
import jinjava.de.odysseus.el.tree.impl.Scanner;
import jinjava.de.odysseus.el.tree.impl.Scanner.Symbol;

/// jinja2's expressions over the tokens of Jinjava's scanner. Jinjava's own grammar reads
/// `not a == b` as `(not a) == b`, chains no comparisons, and computes with Java's values.
///
/// Every rule has the name of what it reads and stands above the rules that bind tighter.
final class Grammar {
  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=", "in");

  /// Words that end an operand: what stands behind `is defined` may be one of them.
  private static final Set<String> WORDS =
      Set.of("else", "if", "or", "and", "not", "in", "is", "recursive");

  private static final int DEEPEST = 200;

  private final List<Scanner.Token> tokens;
  private final int line;
  private int position;
  private int depth;

  private Grammar(String text, int line) {
    this.line = line;
    try {
      this.tokens = Tokens.of(text);
    } catch (Scanner.ScanException | IndexOutOfBoundsException e) {
      throw new TemplateSyntaxException("Broken tag: " + e.getMessage(), line);
    }
  }

  /// What `rule` makes of the whole text.
  static <T> T read(String text, int line, Function<Grammar, T> rule) {
    Grammar grammar = new Grammar(text, line);
    T result = rule.apply(grammar);
    if (grammar.token().getSymbol() != Symbol.EOF) {
      throw grammar.failure("the end of the tag");
    }
    return result;
  }

  private TemplateSyntaxException failure(Object expected) {
    return new TemplateSyntaxException(
        "Found '" + token().getImage() + "', expected " + expected, line);
  }

  /// What a rule makes that stands within another of its kind.
  private Expression nested(Supplier<Expression> rule) {
    if (++depth > DEEPEST) {
      throw new TemplateSyntaxException("The template nests too deeply", line);
    }
    Expression expression = rule.get();
    depth--;
    return expression;
  }

  private Scanner.Token token() {
    return tokens.get(position);
  }

  boolean at(String image) {
    return token().getSymbol() != Symbol.STRING && token().getImage().equals(image);
  }

  private boolean before(String image) {
    return position + 1 < tokens.size() && tokens.get(position + 1).getImage().equals(image);
  }

  private String take() {
    return tokens.get(position++).getImage();
  }

  boolean take(String image) {
    boolean taken = at(image);
    position += taken ? 1 : 0;
    return taken;
  }

  void expect(String image) {
    if (!take(image)) {
      throw failure("'" + image + "'");
    }
  }

  String name() {
    if (token().getSymbol() != Symbol.IDENTIFIER) {
      throw failure("a name");
    }
    return take();
  }

  /// The left-associative operators of one level, over the level that binds tighter.
  private Expression operations(Supplier<Expression> operand, String... operators) {
    Expression value = operand.get();
    while (token().getSymbol() != Symbol.STRING
        && List.of(operators).contains(token().getImage())) {
      Expression left = value;
      String operator = take();
      Expression right = operand.get();
      value = s -> Arithmetic.apply(s, operator, left.in(s), right.in(s));
    }
    return value;
  }

  /// An expression, or several with commas between them, which make a tuple.
  Expression expressions() {
    return list(expression(), Symbol.EOF);
  }

  private Expression list(Expression first, Symbol end) {
    if (!at(",")) {
      return first;
    }
    List<Expression> items = new ArrayList<>(List.of(first));
    while (take(",") && token().getSymbol() != end) {
      items.add(expression());
    }
    return s -> new Tuple("(", Expression.all(s, items));
  }

  Expression expression() {
    return nested(this::conditional);
  }

  private Expression conditional() {
    Expression value = disjunction();
    while (take("if")) {
      Expression then = value;
      Expression condition = disjunction();
      Expression otherwise =
          take("else")
              ? expression()
              : s -> new Undefined("The inline if-expression has no else section");
      value = s -> (Values.truth(condition.in(s)) ? then : otherwise).in(s);
    }
    return value;
  }

  Expression disjunction() {
    Expression value = conjunction();
    while (take("or")) {
      Expression left = value;
      Expression right = conjunction();
      value =
          s -> {
            Object first = left.in(s);
            return Values.truth(first) ? first : right.in(s);
          };
    }
    return value;
  }

  private Expression conjunction() {
    Expression value = negation();
    while (take("and")) {
      Expression left = value;
      Expression right = negation();
      value =
          s -> {
            Object first = left.in(s);
            return Values.truth(first) ? right.in(s) : first;
          };
    }
    return value;
  }

  private Expression negation() {
    if (take("not")) {
      Expression negated = nested(this::negation);
      return s -> !Values.truth(negated.in(s));
    }
    return comparison();
  }

  private Expression comparison() {
    Expression first = sum();
    List<Comparing.Link> chain = new ArrayList<>();
    while (token().getSymbol() != Symbol.STRING) {
      boolean negated = at("not") && before("in");
      if (!negated && !COMPARISONS.contains(token().getImage())) {
        break;
      }
      String relation = negated ? take() + " " + take() : take();
      chain.add(new Comparing.Link(relation, sum()));
    }
    return chain.isEmpty() ? first : s -> Comparing.chain(s, first, chain);
  }

  private Expression sum() {
    Supplier<Expression> power = () -> operations(() -> signed(true), "**");
    Supplier<Expression> product = () -> operations(power, "*", "/", "//", "%");
    return operations(() -> operations(product, "~"), "+", "-");
  }

  private Expression signed(boolean filtered) {
    Expression value;
    if (at("-") || at("+")) {
      String sign = take().equals("-") ? "neg" : "pos";
      Expression number = nested(() -> signed(false));
      value = s -> Arithmetic.apply(s, sign, 0L, number.in(s));
    } else {
      value = parts(operand());
    }
    return filtered ? filters(value) : value;
  }

  private Expression operand() {
    return switch (token().getSymbol()) {
      case STRING -> {
        StringBuilder text = new StringBuilder();
        while (token().getSymbol() == Symbol.STRING) {
          text.append(take());
        }
        String value = text.toString();
        yield s -> value;
      }
      case INTEGER -> {
        Object value = Values.integer(new BigInteger(take()));
        yield s -> value;
      }
      case FLOAT -> {
        Object value = Double.valueOf(take());
        yield s -> value;
      }
      case IDENTIFIER -> Lookup.variable(name());
      default -> brackets();
    };
  }

  private Expression brackets() {
    if (take("(")) {
      if (take(")")) {
        return s -> Tuple.of();
      }
      Expression value = list(expression(), Symbol.RPAREN);
      expect(")");
      return value;
    }
    if (take("[")) {
      List<Expression> items = new ArrayList<>();
      while (!at("]")) {
        items.add(expression());
        if (!take(",")) {
          break;
        }
      }
      expect("]");
      return s -> Expression.all(s, items);
    }
    expect("{");
    List<Expression> keys = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (!at("}")) {
      keys.add(expression());
      expect(":");
      values.add(expression());
      if (!take(",")) {
        break;
      }
    }
    expect("}");
    return s -> Values.dict(Expression.all(s, keys), Expression.all(s, values));
  }

  /// Attributes, items, slices and calls.
  private Expression parts(Expression start) {
    Expression value = start;
    while (true) {
      Expression base = value;
      if (take(".")) {
        String name = name();
        value = s -> Lookup.attribute(s, base.in(s), name);
      } else if (take("[")) {
        value = subscript(base);
      } else if (at("(")) {
        value = new Call(base, arguments());
      } else {
        return value;
      }
    }
  }

  private Expression subscript(Expression base) {
    List<Expression> bounds = new ArrayList<>();
    boolean slice = false;
    while (!at("]")) {
      bounds.add(at(":") ? s -> None.NONE : expression());
      if (take(":")) {
        slice = true;
      } else {
        break;
      }
    }
    expect("]");
    if (!slice && bounds.size() == 1) {
      Expression index = bounds.getFirst();
      return s -> Lookup.item(s, base.in(s), index.in(s));
    }
    while (slice && bounds.size() < 3) {
      bounds.add(s -> None.NONE);
    }
    if (bounds.size() != 3) {
      throw failure("an index or a slice");
    }
    return s ->
        Lookup.slice(s, base.in(s), bounds.get(0).in(s), bounds.get(1).in(s), bounds.get(2).in(s));
  }

  private Call.Given arguments() {
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> keywords = new LinkedHashMap<>();
    expect("(");
    while (!at(")")) {
      if (token().getSymbol() == Symbol.IDENTIFIER && before("=")) {
        String name = name();
        expect("=");
        keywords.put(name, expression());
      } else if (keywords.isEmpty()) {
        positional.add(expression());
      } else {
        throw failure("a keyword argument");
      }
      if (!take(",")) {
        break;
      }
    }
    expect(")");
    return new Call.Given(positional, keywords);
  }

  /// Filters and tests on a value.
  Expression filters(Expression start) {
    Expression value = start;
    while (true) {
      if (take("|")) {
        value = filter(value);
      } else if (take("is")) {
        value = test(value);
      } else if (at("(")) {
        value = new Call(value, arguments());
      } else {
        return value;
      }
    }
  }

  private Expression filter(Expression input) {
    if (!Filters.ALL.containsKey(token().getImage())) {
      throw failure("a filter, one of " + new TreeSet<>(Filters.ALL.keySet()));
    }
    String name = name();
    Call.Given arguments = at("(") ? arguments() : new Call.Given(List.of(), Map.of());
    return s -> Filters.apply(s, name, input.in(s), arguments.in(s));
  }

  private Expression test(Expression input) {
    boolean negated = take("not");
    if (!Tests.ALL.containsKey(token().getImage())) {
      throw failure("a test, one of " + new TreeSet<>(Tests.ALL.keySet()));
    }
    String name = name();
    Call.Given arguments = new Call.Given(List.of(), Map.of());
    if (at("(")) {
      arguments = arguments();
    } else if (startsOperand()) {
      arguments = new Call.Given(List.of(parts(operand())), Map.of());
    }
    Call.Given given = arguments;
    return s -> Tests.holds(s, name, input.in(s), given.in(s)) != negated;
  }

  private boolean startsOperand() {
    return switch (token().getSymbol()) {
      case STRING, INTEGER, FLOAT -> true;
      case IDENTIFIER -> !WORDS.contains(token().getImage());
      default -> at("[") || at("{");
    };
  }
}
