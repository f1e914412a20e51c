package io.sparkllama4.sql;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression;
import org.apache.spark.sql.catalyst.plans.Inner$;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.Join;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;

/// Calls that stood in a projection or a filter when the query was analysed, and that the optimizer
/// has moved: into an aggregate whose projection it merged, into the condition of an inner join.
final class UnusualPlaces {
  private final LogicalPlan plan;

  UnusualPlaces(LogicalPlan plan) {
    this.plan = plan;
  }

  /// The plan with its calls lifted.
  LogicalPlan lift() {
    return switch (plan) {
      case Aggregate aggregate -> aggregate(aggregate);
      case Join join when join.joinType().equals(Inner$.MODULE$) && join.condition().isDefined() ->
          join(join);
      default -> throw refused();
    };
  }

  private RuntimeException refused() {
    throw Conditions.<RuntimeException>raise(
        Conditions.analysis(
            ErrorReport.of(
                    ErrorCode.UNSUPPORTED_PLACE,
                    "The optimizer moved a model call into a "
                        + plan.nodeName()
                        + "; compute it in a subquery whose result is cached, or written first")
                .found(plan.nodeName(), "a projection or a filter")));
  }

  /// `f(max(p))` over a merged projection: the aggregate gives what the call reads, a projection
  /// above it holds the call. Nothing but its own result expressions may hold one.
  private LogicalPlan aggregate(Aggregate aggregate) {
    List<NamedExpression> outputs = new ArrayList<>();
    List<NamedExpression> above = new ArrayList<>();
    for (NamedExpression expression :
        ScalaInterop.<NamedExpression>list(aggregate.aggregateExpressions())) {
      above.add((NamedExpression) split((Expression) expression, outputs));
    }
    boolean inGrouping =
        ScalaInterop.<Expression>list(aggregate.groupingExpressions()).stream()
            .anyMatch(LiftedCalls::contains);
    boolean inFunction =
        outputs.stream().anyMatch(output -> LiftedCalls.contains((Expression) output));
    if (inGrouping || inFunction) {
      throw refused();
    }
    LogicalPlan below =
        new Aggregate(
            aggregate.groupingExpressions(),
            ScalaInterop.seq(outputs),
            aggregate.child(),
            aggregate.hint());
    return new ExtractInference().apply(new Project(ScalaInterop.seq(above), below));
  }

  /// Leaves calls and what leads to them in place; everything else becomes an output of the
  /// aggregate.
  private static Expression split(Expression expression, List<NamedExpression> outputs) {
    if (!LiftedCalls.contains(expression) || expression instanceof AggregateExpression) {
      if (expression.foldable()) {
        return expression;
      }
      NamedExpression named = ExtractInference.named(expression, "argument" + outputs.size());
      outputs.add(named);
      return (Expression) named.toAttribute();
    }
    List<Expression> children =
        ScalaInterop.<Expression>list(expression.children()).stream()
            .map(child -> split(child, outputs))
            .toList();
    return expression.withNewChildren(ScalaInterop.seq(children));
  }

  /// A condition of an inner join is a filter behind it.
  private LogicalPlan join(Join join) {
    List<Expression> cheap = new ArrayList<>();
    List<Expression> costly = new ArrayList<>();
    for (Expression conjunct : ExtractInference.conjuncts(join.condition().get())) {
      (LiftedCalls.contains(conjunct) ? costly : cheap).add(conjunct);
    }
    scala.Option<Expression> condition =
        cheap.isEmpty()
            ? scala.Option.empty()
            : scala.Option.apply(ExtractInference.conjunction(cheap));
    LogicalPlan joined =
        new Join(join.left(), join.right(), join.joinType(), condition, join.hint());
    return new ExtractInference().apply(new Filter(ExtractInference.conjunction(costly), joined));
  }
}
