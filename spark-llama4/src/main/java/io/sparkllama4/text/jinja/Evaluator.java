package io.sparkllama4.text.jinja;

import io.sparkllama4.text.jinja.Expression.CallArguments;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Gives expressions their values.
final class Evaluator {
  private final Session session;

  Evaluator(Session session) {
    this.session = session;
  }

  Object value(Expression expression, Scope scope) {
    session.step();
    return switch (expression) {
      case Expression.Literal literal -> literal.value();
      case Expression.Name name -> scope.find(name.name());
      case Expression.ListOf list -> values(list.items(), scope);
      case Expression.TupleOf tuple -> new Tuple(values(tuple.items(), scope));
      case Expression.DictOf dict -> dict(dict, scope);
      case Expression.Attribute attribute ->
          Lookup.attribute(session, value(attribute.base(), scope), attribute.name());
      case Expression.Item item -> item(item, scope);
      case Expression.Slice slice -> throw new TemplateException("A slice stands outside of []");
      case Expression.Call call -> call(call, arguments(call.arguments(), scope), scope);
      case Expression.Filter filter ->
          Filters.apply(
              session,
              filter.name(),
              value(filter.input(), scope),
              arguments(filter.arguments(), scope));
      case Expression.Test test ->
          Tests.apply(
              session, test.name(), value(test.input(), scope), arguments(test.arguments(), scope));
      case Expression.Not not -> !truth(not.operand(), scope);
      case Expression.Signed signed ->
          Operators.signed(signed.sign(), value(signed.operand(), scope));
      case Expression.Binary binary ->
          Operators.apply(
              session,
              binary.operator(),
              value(binary.left(), scope),
              value(binary.right(), scope));
      case Expression.Comparison comparison -> comparison(comparison, scope);
      case Expression.And and -> {
        Object left = value(and.left(), scope);
        yield Values.truth(left) ? value(and.right(), scope) : left;
      }
      case Expression.Or or -> {
        Object left = value(or.left(), scope);
        yield Values.truth(left) ? left : value(or.right(), scope);
      }
      case Expression.Join join -> join(join, scope);
      case Expression.Choice choice ->
          value(truth(choice.condition(), scope) ? choice.then() : choice.otherwise(), scope);
    };
  }

  boolean truth(Expression expression, Scope scope) {
    return Values.truth(value(expression, scope));
  }

  private List<Object> values(List<Expression> expressions, Scope scope) {
    session.items(expressions.size());
    List<Object> values = new ArrayList<>(expressions.size());
    for (Expression expression : expressions) {
      values.add(value(expression, scope));
    }
    return values;
  }

  private Object dict(Expression.DictOf dict, Scope scope) {
    session.items(dict.pairs().size());
    Map<Object, Object> values = new LinkedHashMap<>();
    for (Expression.Pair pair : dict.pairs()) {
      values.put(Values.key(value(pair.key(), scope)), value(pair.value(), scope));
    }
    return values;
  }

  private Object item(Expression.Item item, Scope scope) {
    Object base = value(item.base(), scope);
    if (item.index() instanceof Expression.Slice slice) {
      return Lookup.slice(
          session,
          base,
          value(slice.start(), scope),
          value(slice.stop(), scope),
          value(slice.step(), scope));
    }
    Object index = value(item.index(), scope);
    Object found = Lookup.item(session, base, index);
    // The name of what is missing may be told where the template itself says it.
    return found instanceof Undefined
            && item.index() instanceof Expression.Literal
            && index instanceof String name
        ? Undefined.attribute(base, name)
        : found;
  }

  private Object join(Expression.Join join, Scope scope) {
    StringBuilder text = new StringBuilder();
    for (Expression part : join.parts()) {
      text.append(Representation.text(session, value(part, scope)));
    }
    return session.made(text.toString());
  }

  private Object comparison(Expression.Comparison comparison, Scope scope) {
    Object left = value(comparison.first(), scope);
    for (Expression.Operand operand : comparison.operands()) {
      Object right = value(operand.value(), scope);
      if (!Comparing.holds(session, operand.relation(), left, right)) {
        return false;
      }
      left = right;
    }
    return true;
  }

  /// Calls with arguments that are evaluated already.
  Object call(Expression.Call call, Arguments arguments, Scope scope) {
    Object callee = value(call.callee(), scope);
    return call(session, callee, arguments);
  }

  static Object call(Session session, Object callee, Arguments arguments) {
    if (callee instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (!(callee instanceof Callable callable)) {
      throw new TemplateException("'" + Values.typeName(callee) + "' object is not callable");
    }
    session.enter();
    Object value = callable.call(session, arguments);
    session.leave();
    return value;
  }

  Arguments arguments(CallArguments arguments, Scope scope) {
    if (arguments.equals(CallArguments.NONE)) {
      return Arguments.EMPTY;
    }
    List<Object> positional = new ArrayList<>(values(arguments.positional(), scope));
    for (Expression spread : arguments.spread()) {
      Values.iterate(value(spread, scope))
          .forEachRemaining(
              item -> {
                session.items(1);
                positional.add(item);
              });
    }
    Map<String, Object> keywords = new LinkedHashMap<>();
    for (Expression.Keyword keyword : arguments.keywords()) {
      put(keywords, keyword.name(), value(keyword.value(), scope));
    }
    for (Expression spread : arguments.spreadKeywords()) {
      if (!(value(spread, scope) instanceof Map<?, ?> map)) {
        throw new TemplateException("The argument after ** must be a mapping");
      }
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        if (!(entry.getKey() instanceof String name)) {
          throw new TemplateException("Keywords must be strings");
        }
        put(keywords, name, entry.getValue());
      }
    }
    return new Arguments(positional, keywords);
  }

  private static void put(Map<String, Object> keywords, String name, Object value) {
    if (keywords.put(name, value) != null) {
      throw new TemplateException("A call passes an argument twice");
    }
  }
}
