package io.sparkllama4.sql;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.rules.Rule;

/// Lifts model calls out of the expressions of a plan into [Inference] operators.
///
/// Runs once, behind the optimizer's own rules: by then unused calls are pruned, cheap filters have
/// sunk below, and projections have been merged, so that equal calls stand side by side.
public final class ExtractInference extends Rule<LogicalPlan> {
  private static final AttributeSet NOTHING =
      AttributeSet.fromAttributeSets(ScalaInterop.<AttributeSet>seq(List.of()));

  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    return plan.transformUp(ScalaInterop.<LogicalPlan>rewriting(ExtractInference::rewrite));
  }

  private static Optional<LogicalPlan> rewrite(LogicalPlan plan) {
    boolean hasCalls =
        !(plan instanceof Inference)
            && ScalaInterop.<Expression>list(plan.expressions()).stream()
                .anyMatch(LiftedCalls::contains);
    if (!hasCalls) {
      return Optional.empty();
    }
    return Optional.of(
        switch (plan) {
          case Project project -> project(project);
          case Filter filter -> filter(filter);
          default -> new UnusualPlaces(plan).lift();
        });
  }

  private static LogicalPlan project(Project project) {
    List<Expression> expressions =
        List.copyOf(ScalaInterop.<NamedExpression>list(project.projectList())).stream()
            .map(e -> (Expression) e)
            .toList();
    LiftedCalls lifted = new LiftedCalls(project.child());
    AnsweredBelow.reuse(project.child(), expressions)
        .ifPresent(
            found -> {
              lifted.child(found.plan());
              found.columns().forEach(lifted::know);
            });
    lifted.lift(expressions, withoutCalls(expressions));
    List<NamedExpression> list =
        expressions.stream().map(e -> (NamedExpression) lifted.replace(e)).toList();
    return new Project(ScalaInterop.seq(list), lifted.child());
  }

  /// What expressions read besides the arguments of calls.
  private static AttributeSet withoutCalls(List<Expression> expressions) {
    AttributeSet read = NOTHING;
    for (Expression expression : expressions) {
      read = read.$plus$plus(readOutsideCalls(expression));
    }
    return read;
  }

  private static AttributeSet readOutsideCalls(Expression expression) {
    if (!LiftedCalls.contains(expression)) {
      return expression.references();
    }
    return expression instanceof ModelCall
        ? NOTHING
        : withoutCalls(ScalaInterop.list(expression.children()));
  }

  /// Conditions without calls go below the operator, so that rows they drop are not paid for.
  private static LogicalPlan filter(Filter filter) {
    List<Expression> cheap = new ArrayList<>();
    List<Expression> costly = new ArrayList<>();
    for (Expression conjunct : conjuncts(filter.condition())) {
      (LiftedCalls.contains(conjunct) ? costly : cheap).add(conjunct);
    }
    LogicalPlan child =
        cheap.isEmpty() ? filter.child() : new Filter(conjunction(cheap), filter.child());
    LiftedCalls lifted = new LiftedCalls(child);
    lifted.lift(costly, child.outputSet());
    Expression condition = conjunction(costly.stream().map(lifted::replace).toList());
    List<NamedExpression> output =
        ScalaInterop.<Attribute>list(filter.output()).stream()
            .map(a -> (NamedExpression) a)
            .toList();
    return new Project(ScalaInterop.seq(output), new Filter(condition, lifted.child()));
  }

  static List<Expression> conjuncts(Expression condition) {
    if (condition instanceof And and) {
      List<Expression> all = new ArrayList<>(conjuncts(and.left()));
      all.addAll(conjuncts(and.right()));
      return all;
    }
    return List.of(condition);
  }

  static Expression conjunction(List<Expression> conjuncts) {
    return conjuncts.stream().reduce(And::new).orElseThrow();
  }

  /// `expression` under a name, keeping one that it has.
  static NamedExpression named(Expression expression, String name) {
    return expression instanceof NamedExpression named
        ? named
        : new Alias(
            expression,
            name,
            NamedExpression.newExprId(),
            ScalaInterop.<String>seq(List.of()),
            scala.Option.empty(),
            ScalaInterop.<String>seq(List.of()));
  }
}
