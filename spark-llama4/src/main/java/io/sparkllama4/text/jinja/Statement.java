package io.sparkllama4.text.jinja;

import java.util.List;
import java.util.Set;

/// What a template does. The tree is immutable; `Renderer` walks it.
sealed interface Statement {
  /// The variable that holds what a `filter` or `set` block has captured, for its filters. No
  /// template can name it.
  String CAPTURED = " captured";

  /// Text that is output as it stands.
  record Text(String text) implements Statement {}

  /// `{{ expression }}`
  record Output(Expression expression) implements Statement {}

  /// `if` with all its `elif`.
  record If(List<Branch> branches, List<Statement> otherwise) implements Statement {}

  /// One condition with its body.
  record Branch(Expression condition, List<Statement> body) {}

  /// `for target in items if condition`
  ///
  /// @param conditions none or one
  record For(
      Target target,
      Expression items,
      List<Expression> conditions,
      Recursion recursion,
      List<Statement> body,
      List<Statement> otherwise)
      implements Statement {}

  /// Whether `loop(...)` renders the loop again for other items.
  enum Recursion {
    NONE,
    RECURSIVE
  }

  /// `set target = value`
  record Assign(Target target, Expression value) implements Statement {}

  /// `set target | filter` ... `endset`
  record Capture(Target target, Expression value, List<Statement> body) implements Statement {}

  /// `filter` ... `endfilter`
  record FilterBlock(Expression value, List<Statement> body) implements Statement {}

  /// `macro`
  record Define(MacroBody macro) implements Statement {}

  /// `call(parameters) callee(arguments)` ... `endcall`
  record CallBlock(MacroBody caller, Expression.Call call) implements Statement {}

  /// `with` and `generation`: a body with variables of its own.
  record Block(List<Binding> bindings, List<Statement> body) implements Statement {}

  /// A variable of a `with`.
  record Binding(Target target, Expression value) {}

  /// `break`
  record Break() implements Statement {}

  /// `continue`
  record Continue() implements Statement {}

  /// What can be called with arguments.
  ///
  /// @param specials which of `caller`, `varargs` and `kwargs` the body asks for
  record MacroBody(
      String name, List<Parameter> parameters, Set<String> specials, List<Statement> body) {}

  /// A parameter of a macro.
  ///
  /// @param defaults none or one
  record Parameter(String name, List<Expression> defaults) {}

  /// What can be assigned.
  sealed interface Target {
    /// A variable.
    record Variable(String name) implements Target {}

    /// An attribute of a namespace.
    record Member(String namespace, String name) implements Target {}

    /// Several at once, from a sequence of as many.
    record Several(List<Target> targets) implements Target {}
  }
}
