package io.sparkllama4.sql;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeReference;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.types.Metadata;

/// Calls taken out of the expressions of one plan node: each distinct call becomes a column of an
/// [Inference] below it, with its guard ([Guards]).
///
/// Calls whose answers others need, in an argument or in a guard, come first: one operator per
/// level.
final class LiftedCalls {
  private final Set<Guards.Kind> kinds;

  /// Calls by their canonical form, with the column that replaces them.
  private final Map<Expression, Attribute> columns = new HashMap<>();

  /// Random expressions with the column that holds what was drawn.
  private final Map<Expression, Attribute> drawn = new LinkedHashMap<>();

  private LogicalPlan child;

  /// @param kinds expressions whose unneeded operands cost nothing
  /// @param child what the node reads
  LiftedCalls(Set<Guards.Kind> kinds, LogicalPlan child) {
    this.kinds = kinds;
    this.child = child;
  }

  /// True where a call stands somewhere in `expression`.
  static boolean contains(Expression expression) {
    return expression.exists(ScalaInterop.predicate(e -> e instanceof ModelCall));
  }

  /// Takes over the answers that the child has already.
  void reuse(List<Expression> expressions) {
    AnsweredBelow.reuse(child, expressions)
        .ifPresent(
            found -> {
              child = found.plan();
              found.columns().forEach((call, column) -> columns.put(call.canonicalized(), column));
            });
  }

  /// Makes columns for all calls in `expressions` that the child's columns suffice for.
  ///
  /// @param needed what else the node reads of its child
  void lift(List<Expression> expressions, AttributeSet needed) {
    Guards guards = guards(expressions);
    List<Expression> random = guards.randomConditions();
    if (!random.isEmpty()) {
      draw(random);
      guards = guards(expressions);
    }
    Map<Expression, Integer> levels = new HashMap<>();
    NavigableMap<Integer, List<Guards.Guarded>> byLevel = new TreeMap<>();
    for (Guards.Guarded guarded : guards.guarded()) {
      int level = level(guarded.guarded(), levels);
      levels.put(guarded.call().canonicalized(), level);
      byLevel.computeIfAbsent(level, l -> new ArrayList<>()).add(guarded);
    }
    byLevel.forEach(
        (level, calls) -> {
          AttributeSet read = needed;
          for (List<Guards.Guarded> above : byLevel.tailMap(level, true).values()) {
            for (Guards.Guarded guarded : above) {
              read = read.$plus$plus(guarded.guarded().references());
            }
          }
          answer(calls, read);
        });
  }

  private Guards guards(List<Expression> expressions) {
    Guards guards = new Guards(kinds, child.outputSet());
    expressions.stream().map(this::replace).forEach(guards::visit);
    return guards;
  }

  private static int level(ModelCall call, Map<Expression, Integer> levels) {
    int[] level = {0};
    for (Expression argument : ScalaInterop.<Expression>list(call.children())) {
      argument.foreach(
          ScalaInterop.<Expression>visitor(
              e -> {
                if (e instanceof ModelCall inner) {
                  level[0] = Math.max(level[0], 1 + levels.getOrDefault(inner.canonicalized(), 0));
                }
              }));
    }
    return level[0];
  }

  /// Draws what is random in `conditions` in a projection of its own.
  private void draw(List<Expression> conditions) {
    List<NamedExpression> outputs = new ArrayList<>();
    ScalaInterop.<Attribute>list(child.output()).forEach(a -> outputs.add((NamedExpression) a));
    for (Expression condition : conditions) {
      condition.foreach(
          ScalaInterop.<Expression>visitor(
              e -> {
                boolean isSource =
                    !e.deterministic()
                        && !contains(e)
                        && ScalaInterop.<Expression>list(e.children()).stream()
                            .allMatch(Expression::deterministic);
                if (isSource && !drawn.containsKey(e)) {
                  NamedExpression named = ExtractInference.named(e, "drawn" + drawn.size());
                  outputs.add(named);
                  drawn.put(e, named.toAttribute());
                }
              }));
    }
    child = new Project(ScalaInterop.seq(outputs), child);
  }

  /// Puts an operator with `level` above the child.
  ///
  /// @param needed what this level, those above and the node read
  private void answer(List<Guards.Guarded> level, AttributeSet needed) {
    List<Attribute> outputs = new ArrayList<>();
    List<ModelCall> calls = new ArrayList<>();
    for (Guards.Guarded guarded : level) {
      outputs.add(
          new AttributeReference(
              guarded.call().prettyName(),
              guarded.call().dataType(),
              true,
              Metadata.empty(),
              NamedExpression.newExprId(),
              ScalaInterop.<String>seq(List.of())));
      calls.add(replaceInside(guarded.guarded()));
    }
    child = new Inference(ScalaInterop.seq(calls), ScalaInterop.seq(outputs), pruned(needed));
    for (int i = 0; i < level.size(); i++) {
      columns.put(level.get(i).call().canonicalized(), outputs.get(i));
    }
  }

  /// Leaves out columns of the child that neither the node nor the calls read.
  private LogicalPlan pruned(AttributeSet needed) {
    AttributeSet read = needed;
    for (Attribute column : columns.values()) {
      read = read.$plus(column);
    }
    for (Attribute column : drawn.values()) {
      read = read.$plus(column);
    }
    List<NamedExpression> kept = new ArrayList<>();
    for (Attribute attribute : ScalaInterop.<Attribute>list(child.output())) {
      if (read.contains(attribute)) {
        kept.add(attribute);
      }
    }
    return kept.size() == child.output().size()
        ? child
        : new Project(ScalaInterop.seq(kept), child);
  }

  /// `expression` with its calls, and what was drawn for them, replaced by their columns.
  Expression replace(Expression expression) {
    // From the top, so that a call is found before the calls in its arguments are replaced.
    Expression replaced =
        expression.transformDown(
            ScalaInterop.<Expression>rewriting(
                e ->
                    e instanceof ModelCall call
                        ? Optional.ofNullable(columns.get(call.canonicalized()))
                        : Optional.ofNullable(drawn.get(e))));
    // A call around one that was answered below is known by the column that it reads.
    return replaced.fastEquals(expression) ? replaced : replace(replaced);
  }

  private ModelCall replaceInside(ModelCall call) {
    List<Expression> children =
        ScalaInterop.<Expression>list(call.children()).stream().map(this::replace).toList();
    return (ModelCall) call.withNewChildren(ScalaInterop.seq(children));
  }

  /// Keeps only rows for which `condition` holds, before anything else is lifted.
  void keep(Expression condition) {
    child = new Filter(condition, child);
  }

  /// What the node reads instead.
  LogicalPlan child() {
    return child;
  }
}
