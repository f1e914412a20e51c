package io.sparkllama4.text.jinja;

import io.sparkllama4.text.jinja.Statement.Target;
import java.util.Iterator;
import java.util.List;

/// Carries out statements and collects what they output.
final class Renderer {
  /// How a statement ends.
  private enum Outcome {
    NEXT,
    BREAK,
    CONTINUE
  }

  private final Session session;
  private final Evaluator evaluator;
  private StringBuilder output = new StringBuilder();

  Renderer(Session session) {
    this.session = session;
    this.evaluator = new Evaluator(session);
  }

  Evaluator evaluator() {
    return evaluator;
  }

  /// What the statements output, caught instead of added to what is around them.
  String capture(List<Statement> statements, Scope scope) {
    StringBuilder around = output;
    output = new StringBuilder();
    run(statements, scope);
    String captured = output.toString();
    output = around;
    return captured;
  }

  private void write(String text) {
    session.charge(text.length());
    session.fit(0L + output.length() + text.length());
    output.append(text);
  }

  private Outcome run(List<Statement> statements, Scope scope) {
    for (Statement statement : statements) {
      Outcome outcome = run(statement, scope);
      if (outcome != Outcome.NEXT) {
        return outcome;
      }
    }
    return Outcome.NEXT;
  }

  private Outcome run(Statement statement, Scope scope) {
    session.step();
    switch (statement) {
      case Statement.Text text -> write(text.text());
      case Statement.Output expression ->
          write(Representation.text(session, evaluator.value(expression.expression(), scope)));
      case Statement.Assign assign ->
          assign(assign.target(), evaluator.value(assign.value(), scope), scope);
      case Statement.Capture capture ->
          assign(capture.target(), captured(capture.body(), capture.value(), scope), scope);
      case Statement.FilterBlock block ->
          write(Representation.text(session, captured(block.body(), block.value(), scope)));
      case Statement.Define define ->
          scope.set(define.macro().name(), new Macro(define.macro(), scope, this));
      case Statement.CallBlock block -> callBlock(block, scope);
      case Statement.If condition -> {
        return condition(condition, scope);
      }
      case Statement.For loop -> loop(loop, scope);
      case Statement.Block block -> {
        return block(block, scope);
      }
      case Statement.Break stop -> {
        return Outcome.BREAK;
      }
      case Statement.Continue next -> {
        return Outcome.CONTINUE;
      }
    }
    return Outcome.NEXT;
  }

  private Outcome condition(Statement.If condition, Scope scope) {
    for (Statement.Branch branch : condition.branches()) {
      if (evaluator.truth(branch.condition(), scope)) {
        return run(branch.body(), scope);
      }
    }
    return run(condition.otherwise(), scope);
  }

  private Outcome block(Statement.Block block, Scope scope) {
    Scope inner = scope.inner();
    for (Statement.Binding binding : block.bindings()) {
      assign(binding.target(), evaluator.value(binding.value(), scope), inner);
    }
    return run(block.body(), inner);
  }

  private Object captured(List<Statement> body, Expression value, Scope scope) {
    Scope inner = scope.inner();
    inner.set(Statement.CAPTURED, capture(body, inner));
    return evaluator.value(value, inner);
  }

  private void callBlock(Statement.CallBlock block, Scope scope) {
    Arguments arguments = evaluator.arguments(block.call().arguments(), scope);
    Macro caller = new Macro(block.caller(), scope, this);
    Object value = evaluator.call(block.call(), arguments.with("caller", caller), scope);
    write(Representation.text(session, value));
  }

  private void loop(Statement.For statement, Scope scope) {
    Object items = evaluator.value(statement.items(), scope);
    loop(statement, items, scope, 0);
  }

  /// One loop; `depth` counts the recursive loops around it.
  private void loop(Statement.For statement, Object items, Scope scope, int depth) {
    Iterator<Object> iterator = Values.iterate(items);
    for (Expression condition : statement.conditions()) {
      iterator = filtered(iterator, statement.target(), condition, scope);
    }
    int length = statement.conditions().isEmpty() ? Values.knownLength(items) : -1;
    Loop loop = new Loop(iterator, length, depth, recursion(statement, scope, depth));
    // As in jinja2, a pass that breaks or continues does not keep the else part from running.
    boolean completed = false;
    session.enter();
    while (loop.advance()) {
      session.step();
      Scope pass = scope.inner();
      pass.set("loop", loop);
      assign(statement.target(), loop.current(), pass);
      Outcome outcome = run(statement.body(), pass);
      completed |= outcome == Outcome.NEXT;
      if (outcome == Outcome.BREAK) {
        break;
      }
    }
    session.leave();
    if (!completed) {
      run(statement.otherwise(), scope.inner());
    }
  }

  private Callable recursion(Statement.For statement, Scope scope, int depth) {
    if (statement.recursion() == Statement.Recursion.NONE) {
      return new Builtin(
          "loop",
          (s, arguments) -> {
            throw new TemplateException("Only a loop that is marked recursive can be called");
          });
    }
    return new Builtin(
        "loop",
        (s, arguments) -> {
          StringBuilder around = output;
          output = new StringBuilder();
          loop(statement, arguments.bind("loop", "items").value("items"), scope, depth + 1);
          String captured = output.toString();
          output = around;
          return captured;
        });
  }

  private Iterator<Object> filtered(
      Iterator<Object> items, Target target, Expression condition, Scope scope) {
    Iterator<Object> tuples = target instanceof Target.Several ? new Tuples(session, items) : items;
    return new Selection(
        tuples,
        item -> {
          Scope pass = scope.inner();
          assign(target, item, pass);
          return evaluator.truth(condition, pass);
        });
  }

  private void assign(Target target, Object value, Scope scope) {
    switch (target) {
      case Target.Variable variable -> scope.set(variable.name(), value);
      case Target.Member member -> {
        if (!(scope.find(member.namespace()) instanceof Namespace namespace)) {
          throw new TemplateException("Cannot assign an attribute on a non-namespace object");
        }
        namespace.set(member.name(), value);
      }
      case Target.Several several -> {
        List<Object> values = Values.list(session, value);
        if (values.size() != several.targets().size()) {
          throw new TemplateException(
              "Expected " + several.targets().size() + " values to unpack, got " + values.size());
        }
        for (int i = 0; i < values.size(); i++) {
          assign(several.targets().get(i), values.get(i), scope);
        }
      }
    }
  }
}
