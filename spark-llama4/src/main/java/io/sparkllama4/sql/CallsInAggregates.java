package io.sparkllama4.sql;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;

/// Calls in an aggregate: keys (`GROUP BY f(p)`) and arguments of functions (`max(f(p))`) are
/// answered below it, for every row; calls of results (`f(max(p))`) above it, for every group.
final class CallsInAggregates {
  private final ExtractInference rule;
  private final Aggregate aggregate;
  private final LiftedCalls below;

  CallsInAggregates(ExtractInference rule, Aggregate aggregate) {
    this.rule = rule;
    this.aggregate = aggregate;
    this.below = rule.callsAbove(aggregate.child());
  }

  /// The plan with its calls lifted.
  LogicalPlan lift() {
    List<Expression> keys = ScalaInterop.list(aggregate.groupingExpressions());
    List<Expression> results = ScalaInterop.expressions(aggregate.aggregateExpressions());
    List<Expression> forEveryRow = new ArrayList<>();
    keys.stream().filter(LiftedCalls::contains).forEach(forEveryRow::add);
    for (Expression result : results) {
      result.foreach(
          ScalaInterop.<Expression>visitor(
              e -> {
                if (e instanceof AggregateExpression function && LiftedCalls.contains(function)) {
                  forEveryRow.add(function);
                }
              }));
    }
    if (!forEveryRow.isEmpty()) {
      below.reuse(forEveryRow);
      below.lift(forEveryRow, aggregate.child().outputSet());
    }
    List<Expression> newKeys = keys.stream().map(below::replace).toList();
    List<Expression> newResults = results.stream().map(result -> replace(result, keys)).toList();
    if (newResults.stream().noneMatch(LiftedCalls::contains)) {
      return aggregate(newKeys, newResults);
    }
    List<Expression> outputs = new ArrayList<>();
    List<Expression> above = newResults.stream().map(result -> split(result, outputs)).toList();
    return rule.lift(new Project(ScalaInterop.seq(cast(above)), aggregate(newKeys, outputs)));
  }

  private Aggregate aggregate(List<Expression> keys, List<Expression> results) {
    return new Aggregate(
        ScalaInterop.seq(keys), ScalaInterop.seq(cast(results)), below.child(), aggregate.hint());
  }

  private static List<NamedExpression> cast(List<Expression> expressions) {
    return expressions.stream().map(e -> (NamedExpression) e).toList();
  }

  /// `result` with calls replaced in keys and in functions, where the rows below answer them.
  private Expression replace(Expression result, List<Expression> keys) {
    return result.transformDown(
        ScalaInterop.<Expression>rewriting(
            e ->
                LiftedCalls.contains(e)
                        && (e instanceof AggregateExpression
                            || keys.stream().anyMatch(e::semanticEquals))
                    ? Optional.of(below.replace(e))
                    : Optional.empty()));
  }

  /// Leaves calls and what leads to them in place; everything else becomes an output of the
  /// aggregate.
  private static Expression split(Expression expression, List<Expression> outputs) {
    if (!LiftedCalls.contains(expression)) {
      if (expression.foldable()) {
        return expression;
      }
      NamedExpression named = ExtractInference.named(expression, "argument" + outputs.size());
      outputs.add((Expression) named);
      return (Expression) named.toAttribute();
    }
    List<Expression> children =
        ScalaInterop.<Expression>list(expression.children()).stream()
            .map(child -> split(child, outputs))
            .toList();
    return expression.withNewChildren(ScalaInterop.seq(children));
  }
}
