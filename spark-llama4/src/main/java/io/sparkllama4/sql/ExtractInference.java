package io.sparkllama4.sql;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.SubqueryExpression;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.Join;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.UnaryNode;
import org.apache.spark.sql.catalyst.rules.Rule;

/// Lifts model calls out of the expressions of a plan into [Inference] operators.
///
/// Runs once, behind the optimizer's own rules: by then unused calls are pruned, cheap filters have
/// sunk below, and projections have been merged, so that equal calls stand side by side.
public final class ExtractInference extends Rule<LogicalPlan> {
  private static final AttributeSet NOTHING =
      AttributeSet.fromAttributeSets(ScalaInterop.<AttributeSet>seq(List.of()));

  private final Set<Guards.Kind> kinds;

  /// The rule: a row that does not evaluate a call does not pay for it.
  public ExtractInference() {
    this(Guards.ALL);
  }

  /// @param kinds expressions whose unneeded operands cost nothing
  ExtractInference(Set<Guards.Kind> kinds) {
    this.kinds = Set.copyOf(kinds);
  }

  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    return plan.transformUp(ScalaInterop.<LogicalPlan>rewriting(this::rewrite));
  }

  private Optional<LogicalPlan> rewrite(LogicalPlan plan) {
    if (plan instanceof Inference || !hasCalls(plan)) {
      return Optional.empty();
    }
    LogicalPlan node = plan.transformExpressions(ScalaInterop.rewriting(this::liftInSubquery));
    return Optional.of(hasCalls(node) ? lift(node) : node);
  }

  private static boolean hasCalls(LogicalPlan plan) {
    return ScalaInterop.<Expression>list(plan.expressions()).stream()
        .anyMatch(LiftedCalls::contains);
  }

  /// `node` without calls; its children have none.
  LogicalPlan lift(LogicalPlan node) {
    return switch (node) {
      case Project project -> project(project);
      case Filter filter -> filter(filter);
      case Aggregate aggregate -> new CallsInAggregates(this, aggregate).lift();
      case Join join -> new CallsInJoins(this, join).lift();
      case UnaryNode unary -> below(unary);
      default -> throw refused(node);
    };
  }

  LiftedCalls callsAbove(LogicalPlan child) {
    return new LiftedCalls(kinds, child);
  }

  static RuntimeException refused(LogicalPlan plan) {
    throw Conditions.<RuntimeException>raise(
        Conditions.analysis(
            ErrorReport.of(
                    ErrorCode.UNSUPPORTED_PLACE,
                    "The optimizer moved a model call into a "
                        + plan.nodeName()
                        + "; compute it in a subquery whose result is cached, or written first")
                .found(plan.nodeName(), "a projection, a filter, a one-sided join condition")));
  }

  private LogicalPlan project(Project project) {
    List<Expression> expressions = ScalaInterop.expressions(project.projectList());
    LiftedCalls lifted = callsAbove(project.child());
    lifted.reuse(expressions);
    lifted.lift(expressions, readOutsideCalls(expressions));
    List<NamedExpression> list =
        expressions.stream().map(e -> (NamedExpression) lifted.replace(e)).toList();
    return new Project(ScalaInterop.seq(list), lifted.child());
  }

  /// What expressions read besides the arguments of calls.
  private static AttributeSet readOutsideCalls(List<Expression> expressions) {
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
        : readOutsideCalls(ScalaInterop.<Expression>list(expression.children()));
  }

  /// Conditions without calls go below the operator, and each that has calls below the operator of
  /// the next: rows that one drops are not paid for in another.
  private LogicalPlan filter(Filter filter) {
    List<Expression> cheap = new ArrayList<>();
    List<Expression> costly = new ArrayList<>();
    for (Expression conjunct : Guards.cheapFirst(conjuncts(filter.condition()))) {
      (LiftedCalls.contains(conjunct) ? costly : cheap).add(conjunct);
    }
    LogicalPlan child =
        cheap.isEmpty() ? filter.child() : new Filter(conjunction(cheap), filter.child());
    LiftedCalls lifted = callsAbove(child);
    lifted.reuse(costly);
    List<Expression> pending = new ArrayList<>();
    for (Expression conjunct : costly) {
      if (LiftedCalls.contains(lifted.replace(conjunct))) {
        if (!pending.isEmpty()) {
          lifted.keep(conjunction(pending));
          pending.clear();
        }
        lifted.lift(List.of(conjunct), lifted.child().outputSet());
      }
      pending.add(lifted.replace(conjunct));
    }
    lifted.keep(conjunction(pending));
    return only(ScalaInterop.list(filter.output()), lifted.child());
  }

  /// Any other operator with one child, such as a sort, a window or a generator: it reads answers
  /// as further columns of that child.
  private LogicalPlan below(UnaryNode node) {
    LogicalPlan plan = (LogicalPlan) node;
    List<Expression> expressions = ScalaInterop.list(plan.expressions());
    LiftedCalls lifted = callsAbove(node.child());
    lifted.reuse(expressions);
    lifted.lift(expressions, node.child().outputSet());
    LogicalPlan changed = plan.mapExpressions(ScalaInterop.function(lifted::replace));
    return only(
        ScalaInterop.list(plan.output()),
        changed.withNewChildren(ScalaInterop.seq(List.of(lifted.child()))));
  }

  /// `plan` with these columns.
  static LogicalPlan only(List<Attribute> columns, LogicalPlan plan) {
    if (columns.equals(ScalaInterop.<Attribute>list(plan.output()))) {
      return plan;
    }
    List<NamedExpression> list = columns.stream().map(column -> (NamedExpression) column).toList();
    return new Project(ScalaInterop.seq(list), plan);
  }

  /// A condition that ties a subquery to its query (`EXISTS (SELECT ... WHERE f(inner) = outer)`)
  /// becomes a join's later. Calls that the subquery's own columns suffice for are lifted there.
  private Optional<Expression> liftInSubquery(Expression expression) {
    if (!(expression instanceof SubqueryExpression subquery)) {
      return Optional.empty();
    }
    List<Expression> outer = ScalaInterop.list(subquery.getOuterAttrs());
    List<Expression> conditions =
        ScalaInterop.<Expression>list(subquery.children()).stream().skip(outer.size()).toList();
    if (conditions.stream().noneMatch(LiftedCalls::contains)) {
      return Optional.empty();
    }
    LiftedCalls lifted = callsAbove(subquery.plan());
    lifted.reuse(conditions);
    lifted.lift(List.of(conjunction(conditions)), lifted.child().outputSet());
    List<Expression> children = new ArrayList<>(outer);
    conditions.stream().map(lifted::replace).forEach(children::add);
    Expression changed =
        ((Expression) subquery.withNewPlan(lifted.child()))
            .withNewChildren(ScalaInterop.seq(children));
    return changed.equals(expression) ? Optional.empty() : Optional.of(changed);
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
