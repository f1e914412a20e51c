package io.sparkllama4.text.jinja;

import java.util.List;

/// What gives a value. The tree is immutable; `Evaluator` walks it.
sealed interface Expression {
  /// The value of a conditional expression without `else` whose condition is false.
  Expression ABSENT =
      new Literal(new Undefined("the inline if-expression was false and has no else section"));

  /// A value that stands in the source.
  record Literal(Object value) implements Expression {}

  /// A variable.
  record Name(String name) implements Expression {}

  /// `[a, b]`
  record ListOf(List<Expression> items) implements Expression {}

  /// `(a, b)`
  record TupleOf(List<Expression> items) implements Expression {}

  /// `{a: b}`
  record DictOf(List<Pair> pairs) implements Expression {}

  /// One entry of a dict.
  record Pair(Expression key, Expression value) {}

  /// `base.name`
  record Attribute(Expression base, String name) implements Expression {}

  /// `base[index]`
  record Item(Expression base, Expression index) implements Expression {}

  /// `start:stop:step` inside of brackets; what is left out is `None`.
  record Slice(Expression start, Expression stop, Expression step) implements Expression {}

  /// `callee(arguments)`
  record Call(Expression callee, CallArguments arguments) implements Expression {}

  /// `input | name(arguments)`
  record Filter(Expression input, String name, CallArguments arguments) implements Expression {}

  /// `input is name(arguments)`
  record Test(Expression input, String name, CallArguments arguments) implements Expression {}

  /// `not operand`
  record Not(Expression operand) implements Expression {}

  /// `-operand` or `+operand`
  record Signed(Operator sign, Expression operand) implements Expression {}

  /// `left operator right`
  record Binary(Operator operator, Expression left, Expression right) implements Expression {}

  /// `first < a <= b`: every neighbours are compared, as in mathematics.
  record Comparison(Expression first, List<Operand> operands) implements Expression {}

  /// One further part of a comparison.
  record Operand(Relation relation, Expression value) {}

  /// `left and right`
  record And(Expression left, Expression right) implements Expression {}

  /// `left or right`
  record Or(Expression left, Expression right) implements Expression {}

  /// `a ~ b ~ c`
  record Join(List<Expression> parts) implements Expression {}

  /// `then if condition else otherwise`
  record Choice(Expression condition, Expression then, Expression otherwise)
      implements Expression {}

  /// What is passed to a call, filter or test.
  ///
  /// @param positional by place
  /// @param keywords by name
  /// @param spread lists that are passed by place, `*a`; at most one
  /// @param spreadKeywords dicts that are passed by name, `**a`; at most one
  record CallArguments(
      List<Expression> positional,
      List<Keyword> keywords,
      List<Expression> spread,
      List<Expression> spreadKeywords) {
    static final CallArguments NONE = new CallArguments(List.of(), List.of(), List.of(), List.of());
  }

  /// `name=value`
  record Keyword(String name, Expression value) {}

  /// Arithmetic.
  enum Operator {
    ADD("+"),
    SUBTRACT("-"),
    MULTIPLY("*"),
    DIVIDE("/"),
    FLOOR_DIVIDE("//"),
    MODULO("%"),
    POWER("**");

    private final String symbol;

    Operator(String symbol) {
      this.symbol = symbol;
    }

    String symbol() {
      return symbol;
    }
  }

  /// Comparing.
  enum Relation {
    EQUAL,
    NOT_EQUAL,
    LESS,
    LESS_OR_EQUAL,
    GREATER,
    GREATER_OR_EQUAL,
    IN,
    NOT_IN
  }
}
