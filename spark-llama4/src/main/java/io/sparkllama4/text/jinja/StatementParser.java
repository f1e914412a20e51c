package io.sparkllama4.text.jinja;

import io.sparkllama4.text.jinja.Statement.MacroBody;
import io.sparkllama4.text.jinja.Statement.Target;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Reads statements and the text between them.
final class StatementParser {
  private static final Set<String> SPECIALS = Set.of("caller", "varargs", "kwargs");

  // The extension of transformers that marks what the model wrote calls its body as a macro.
  private static final List<Statement.Binding> GENERATION =
      List.of(
          binding("caller", new Undefined("No caller defined")),
          binding("varargs", Tuple.of()),
          binding("kwargs", Map.of()));

  private final TokenStream tokens;
  private final ExpressionParser expressions;
  private int loops;

  private StatementParser(TokenStream tokens) {
    this.tokens = tokens;
    this.expressions = new ExpressionParser(tokens);
  }

  private static Statement.Binding binding(String name, Object value) {
    return new Statement.Binding(new Target.Variable(name), new Expression.Literal(value));
  }

  static List<Statement> parse(String source) {
    return new StatementParser(new TokenStream(Lexer.tokens(source))).statements(Set.of());
  }

  /// Everything up to the first of the tags, whose name is next then.
  private List<Statement> statements(Set<String> ends) {
    List<Statement> statements = new ArrayList<>();
    while (!tokens.at(Token.Kind.END)) {
      Token token = tokens.next();
      switch (token.kind()) {
        case DATA -> statements.add(new Statement.Text(token.text()));
        case VARIABLE_BEGIN -> {
          statements.add(new Statement.Output(expressions.tuple(Set.of())));
          tokens.expect(Token.Kind.VARIABLE_END);
        }
        case BLOCK_BEGIN -> {
          if (tokens.at(Token.Kind.NAME) && ends.contains(tokens.current().text())) {
            return List.copyOf(statements);
          }
          statements.addAll(statement());
          tokens.expect(Token.Kind.BLOCK_END);
        }
        default ->
            throw new TemplateSyntaxException("Unexpected " + token.describe(), token.line());
      }
    }
    if (!ends.isEmpty()) {
      throw tokens.failure("Expected one of the tags " + ends.stream().sorted().toList());
    }
    return List.copyOf(statements);
  }

  /// The body of a tag: behind it, up to one of the ends, whose name is next then.
  private List<Statement> body(Set<String> ends) {
    tokens.skipOperator(":");
    tokens.expect(Token.Kind.BLOCK_END);
    tokens.enter();
    List<Statement> body = statements(ends);
    tokens.leave();
    return body;
  }

  /// A body with a single end, which is taken.
  private List<Statement> bodyTo(String end) {
    List<Statement> body = body(Set.of(end));
    tokens.next();
    return body;
  }

  private List<Statement> statement() {
    Token name = tokens.expect(Token.Kind.NAME);
    return switch (name.text()) {
      case "print" -> print();
      case "set" -> List.of(set());
      case "if" -> List.of(condition());
      case "for" -> List.of(loop());
      case "macro" -> List.of(new Statement.Define(macro()));
      case "call" -> List.of(callBlock());
      case "filter" -> {
        Expression value = expressions.filter(new Expression.Name(Statement.CAPTURED));
        value = expressions.filters(value);
        yield List.of(new Statement.FilterBlock(value, bodyTo("endfilter")));
      }
      case "with" -> List.of(with());
      case "generation" -> List.of(new Statement.Block(GENERATION, bodyTo("endgeneration")));
      case "break", "continue" -> {
        if (loops == 0) {
          throw new TemplateSyntaxException(
              "'" + name.text() + "' stands outside of a loop", name.line());
        }
        yield List.of(
            name.text().equals("break") ? new Statement.Break() : new Statement.Continue());
      }
      default ->
          throw new TemplateSyntaxException("Unknown tag '" + name.text() + "'", name.line());
    };
  }

  private List<Statement> print() {
    List<Statement> outputs = new ArrayList<>();
    while (!tokens.at(Token.Kind.BLOCK_END)) {
      if (!outputs.isEmpty()) {
        tokens.expectOperator(",");
      }
      outputs.add(new Statement.Output(expressions.expression()));
    }
    return outputs;
  }

  private Statement set() {
    Target target = target(Set.of());
    if (tokens.skipOperator("=")) {
      return new Statement.Assign(target, expressions.tuple(Set.of()));
    }
    Expression value = expressions.filters(new Expression.Name(Statement.CAPTURED));
    return new Statement.Capture(target, value, bodyTo("endset"));
  }

  private Statement condition() {
    List<Statement.Branch> branches = new ArrayList<>();
    List<Statement> otherwise = List.of();
    expressions.enterCondition();
    while (true) {
      Expression condition = expressions.tupleWithoutChoice(Set.of());
      branches.add(new Statement.Branch(condition, body(Set.of("elif", "else", "endif"))));
      String end = tokens.next().text();
      if (end.equals("else")) {
        otherwise = bodyTo("endif");
      }
      if (!end.equals("elif")) {
        expressions.leaveCondition();
        return new Statement.If(List.copyOf(branches), otherwise);
      }
    }
  }

  private Statement loop() {
    Target target = target(Set.of("in"));
    tokens.expectName("in");
    Expression items = expressions.tupleWithoutChoice(Set.of("recursive"));
    List<Expression> conditions =
        tokens.skipName("if") ? List.of(expressions.expression()) : List.of();
    Statement.Recursion recursion =
        tokens.skipName("recursive") ? Statement.Recursion.RECURSIVE : Statement.Recursion.NONE;
    loops++;
    List<Statement> body = body(Set.of("endfor", "else"));
    loops--;
    List<Statement> otherwise = tokens.next().text().equals("else") ? bodyTo("endfor") : List.of();
    return new Statement.For(target, items, conditions, recursion, body, otherwise);
  }

  private Statement with() {
    List<Statement.Binding> bindings = new ArrayList<>();
    while (!tokens.at(Token.Kind.BLOCK_END)) {
      if (!bindings.isEmpty()) {
        tokens.expectOperator(",");
      }
      Target target = target(Set.of());
      tokens.expectOperator("=");
      bindings.add(new Statement.Binding(target, expressions.expression()));
    }
    return new Statement.Block(List.copyOf(bindings), bodyTo("endwith"));
  }

  private MacroBody macro() {
    String name = variable();
    return macroBody(name, parameters(), "endmacro");
  }

  private Statement callBlock() {
    List<Statement.Parameter> parameters = tokens.atOperator("(") ? parameters() : List.of();
    Expression call = expressions.expression();
    if (!(call instanceof Expression.Call callee)) {
      throw tokens.failure("Expected a call");
    }
    return new Statement.CallBlock(macroBody("caller", parameters, "endcall"), callee);
  }

  private MacroBody macroBody(String name, List<Statement.Parameter> parameters, String end) {
    Set<String> outer = expressions.swapNames(new HashSet<>());
    int outerLoops = loops;
    loops = 0;
    List<Statement> body = bodyTo(end);
    loops = outerLoops;
    Set<String> named = expressions.swapNames(outer);
    outer.addAll(named);
    Set<String> specials = new HashSet<>(named);
    specials.retainAll(SPECIALS);
    parameters.forEach(parameter -> specials.remove(parameter.name()));
    return new MacroBody(name, parameters, Set.copyOf(specials), body);
  }

  private List<Statement.Parameter> parameters() {
    List<Statement.Parameter> parameters = new ArrayList<>();
    tokens.expectOperator("(");
    while (!tokens.atOperator(")")) {
      if (!parameters.isEmpty()) {
        tokens.expectOperator(",");
      }
      String name = variable();
      if (tokens.skipOperator("=")) {
        parameters.add(new Statement.Parameter(name, List.of(expressions.expression())));
      } else if (parameters.isEmpty() || parameters.getLast().defaults().isEmpty()) {
        parameters.add(new Statement.Parameter(name, List.of()));
      } else {
        throw tokens.failure("A parameter without default follows one with default");
      }
    }
    tokens.expectOperator(")");
    return List.copyOf(parameters);
  }

  private String variable() {
    Target target = target(expressions.primary(), "");
    if (target instanceof Target.Variable variable) {
      return variable.name();
    }
    throw tokens.failure("Expected a name");
  }

  /// One target, or several with commas between them.
  private Target target(Set<String> endNames) {
    List<Target> targets = new ArrayList<>();
    boolean commas = false;
    while (!tokens.atOperator("=") && !tokens.at(Token.Kind.BLOCK_END)) {
      if (tokens.at(Token.Kind.NAME) && endNames.contains(tokens.current().text())) {
        break;
      }
      Expression primary = expressions.primary();
      String member = tokens.skipOperator(".") ? tokens.expect(Token.Kind.NAME).text() : "";
      targets.add(target(primary, member));
      if (!tokens.skipOperator(",")) {
        break;
      }
      commas = true;
    }
    if (targets.isEmpty()) {
      throw tokens.failure("Expected a name");
    }
    return commas ? new Target.Several(List.copyOf(targets)) : targets.getFirst();
  }

  private Target target(Expression primary, String member) {
    return switch (primary) {
      case Expression.Name name when member.isEmpty() -> new Target.Variable(name.name());
      case Expression.Name name -> new Target.Member(name.name(), member);
      case Expression.TupleOf tuple when member.isEmpty() ->
          new Target.Several(tuple.items().stream().map(item -> target(item, "")).toList());
      default -> throw tokens.failure("Cannot assign to this");
    };
  }
}
