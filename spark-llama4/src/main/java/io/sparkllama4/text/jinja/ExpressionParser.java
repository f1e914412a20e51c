package io.sparkllama4.text.jinja;

import io.sparkllama4.text.jinja.Expression.CallArguments;
import io.sparkllama4.text.jinja.Expression.Operator;
import io.sparkllama4.text.jinja.Expression.Relation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Reads expressions, each method one level of jinja2's precedence, the loosest first.
final class ExpressionParser {
  private static final Map<String, Relation> RELATIONS =
      Map.of(
          "==", Relation.EQUAL,
          "!=", Relation.NOT_EQUAL,
          "<", Relation.LESS,
          "<=", Relation.LESS_OR_EQUAL,
          ">", Relation.GREATER,
          ">=", Relation.GREATER_OR_EQUAL);
  private static final Map<String, Operator> SUMS =
      Map.of("+", Operator.ADD, "-", Operator.SUBTRACT);
  private static final Map<String, Operator> PRODUCTS =
      Map.of(
          "*", Operator.MULTIPLY,
          "/", Operator.DIVIDE,
          "//", Operator.FLOOR_DIVIDE,
          "%", Operator.MODULO);

  private final TokenStream tokens;
  private final OperandParser operands;
  private int conditions;

  ExpressionParser(TokenStream tokens) {
    this.tokens = tokens;
    this.operands = new OperandParser(tokens, this);
  }

  /// See [OperandParser#swapNames].
  Set<String> swapNames(Set<String> others) {
    return operands.swapNames(others);
  }

  /// Within an `if`, an unknown filter or test fails only when it is reached, as in jinja2: the
  /// condition may ask whether there is one. [#leaveCondition] ends this.
  void enterCondition() {
    conditions++;
  }

  void leaveCondition() {
    conditions--;
  }

  /// See [OperandParser#primary].
  Expression primary() {
    return operands.primary();
  }

  /// An expression, or several with commas between them, which make a tuple.
  Expression tuple(Set<String> endNames) {
    return tuple(endNames, this::expression);
  }

  /// As [#tuple], of expressions without `if`, which there begins something else.
  Expression tupleWithoutChoice(Set<String> endNames) {
    return tuple(endNames, this::or);
  }

  private Expression tuple(Set<String> endNames, java.util.function.Supplier<Expression> item) {
    List<Expression> items = new ArrayList<>();
    boolean commas = false;
    while (!atTupleEnd(endNames)) {
      items.add(item.get());
      if (!tokens.skipOperator(",")) {
        break;
      }
      commas = true;
    }
    if (commas) {
      return new Expression.TupleOf(List.copyOf(items));
    }
    if (items.isEmpty()) {
      throw tokens.failure("Expected an expression");
    }
    return items.getFirst();
  }

  private boolean atTupleEnd(Set<String> endNames) {
    Token token = tokens.current();
    return switch (token.kind()) {
      case VARIABLE_END, BLOCK_END, END -> true;
      case OPERATOR -> token.text().equals(")");
      case NAME -> endNames.contains(token.text());
      default -> false;
    };
  }

  Expression expression() {
    tokens.enter();
    Expression value = or();
    while (tokens.skipName("if")) {
      Expression condition = or();
      Expression otherwise = tokens.skipName("else") ? expression() : Expression.ABSENT;
      value = new Expression.Choice(condition, value, otherwise);
    }
    tokens.leave();
    return value;
  }

  private Expression or() {
    Expression left = and();
    while (tokens.skipName("or")) {
      left = new Expression.Or(left, and());
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (tokens.skipName("and")) {
      left = new Expression.And(left, not());
    }
    return left;
  }

  private Expression not() {
    if (!tokens.skipName("not")) {
      return comparison();
    }
    tokens.enter();
    Expression operand = not();
    tokens.leave();
    return new Expression.Not(operand);
  }

  private Expression comparison() {
    Expression first = sum();
    List<Expression.Operand> operands = new ArrayList<>();
    Optional<Relation> relation = relation();
    while (relation.isPresent()) {
      operands.add(new Expression.Operand(relation.get(), sum()));
      relation = relation();
    }
    return operands.isEmpty() ? first : new Expression.Comparison(first, List.copyOf(operands));
  }

  private Optional<Relation> relation() {
    Token token = tokens.current();
    if (token.kind() == Token.Kind.OPERATOR && RELATIONS.containsKey(token.text())) {
      return Optional.of(RELATIONS.getOrDefault(tokens.next().text(), Relation.EQUAL));
    }
    if (tokens.skipName("in")) {
      return Optional.of(Relation.IN);
    }
    if (token.isName("not") && tokens.following().isName("in")) {
      tokens.next();
      tokens.next();
      return Optional.of(Relation.NOT_IN);
    }
    return Optional.empty();
  }

  private Expression sum() {
    Expression left = join();
    while (true) {
      Optional<Operator> operator = operator(SUMS);
      if (operator.isEmpty()) {
        return left;
      }
      left = new Expression.Binary(operator.get(), left, join());
    }
  }

  private Expression join() {
    Expression first = product();
    if (!tokens.atOperator("~")) {
      return first;
    }
    List<Expression> parts = new ArrayList<>();
    parts.add(first);
    while (tokens.skipOperator("~")) {
      parts.add(product());
    }
    return new Expression.Join(List.copyOf(parts));
  }

  private Expression product() {
    Expression left = power();
    while (true) {
      Optional<Operator> operator = operator(PRODUCTS);
      if (operator.isEmpty()) {
        return left;
      }
      left = new Expression.Binary(operator.get(), left, power());
    }
  }

  private Expression power() {
    Expression left = filtered(unary());
    while (tokens.skipOperator("**")) {
      left = new Expression.Binary(Operator.POWER, left, filtered(unary()));
    }
    return left;
  }

  private Optional<Operator> operator(Map<String, Operator> operators) {
    Token token = tokens.current();
    if (token.kind() != Token.Kind.OPERATOR || !operators.containsKey(token.text())) {
      return Optional.empty();
    }
    return Optional.of(operators.getOrDefault(tokens.next().text(), Operator.ADD));
  }

  private Expression unary() {
    Optional<Operator> sign = operator(SUMS);
    if (sign.isEmpty()) {
      return operands.operand();
    }
    tokens.enter();
    Expression operand = unary();
    tokens.leave();
    return operands.postfixed(new Expression.Signed(sign.get(), operand));
  }

  private Expression filtered(Expression base) {
    Expression value = base;
    while (true) {
      if (tokens.atOperator("|")) {
        value = filters(value);
      } else if (tokens.skipName("is")) {
        value = test(value);
      } else if (tokens.atOperator("(")) {
        value = new Expression.Call(value, operands.arguments());
      } else {
        return value;
      }
    }
  }

  /// All filters that stand here, each applied to what is in front of it.
  Expression filters(Expression input) {
    Expression value = input;
    while (tokens.skipOperator("|")) {
      value = filter(value);
    }
    return value;
  }

  /// One filter, whose `|` is taken already.
  Expression filter(Expression input) {
    Token name = tokens.expect(Token.Kind.NAME);
    if (conditions == 0 && !Filters.known(name.text())) {
      throw new TemplateSyntaxException("No filter named '" + name.text() + "'", name.line());
    }
    return new Expression.Filter(
        input, name.text(), tokens.atOperator("(") ? operands.arguments() : CallArguments.NONE);
  }

  private Expression test(Expression input) {
    boolean negated = tokens.skipName("not");
    Token name = tokens.expect(Token.Kind.NAME);
    if (conditions == 0 && !Tests.known(name.text())) {
      throw new TemplateSyntaxException("No test named '" + name.text() + "'", name.line());
    }
    Expression test = new Expression.Test(input, name.text(), testArguments());
    return negated ? new Expression.Not(test) : test;
  }

  private CallArguments testArguments() {
    Token token = tokens.current();
    boolean operand =
        switch (token.kind()) {
          case STRING, INTEGER, FLOAT -> true;
          case OPERATOR -> token.text().equals("[") || token.text().equals("{");
          case NAME -> !Set.of("else", "or", "and", "is").contains(token.text());
          default -> false;
        };
    if (token.isOperator("(")) {
      return operands.arguments();
    }
    if (token.isName("is")) {
      throw tokens.failure("Tests cannot be chained with is");
    }
    return operand
        ? new CallArguments(List.of(operands.operand()), List.of(), List.of(), List.of())
        : CallArguments.NONE;
  }
}
