package io.sparkllama4.sql;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.ExprId;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.plans.logical.GlobalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LocalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Offset;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.Repartition;
import org.apache.spark.sql.catalyst.plans.logical.Sample;
import org.apache.spark.sql.catalyst.plans.logical.Sort;
import org.apache.spark.sql.catalyst.plans.logical.UnaryNode;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.internal.SQLConf$;

/// Moves operators that drop or order rows without looking at answers below the inference: `SELECT
/// f(p) FROM t ORDER BY id LIMIT 5` costs five calls.
///
/// A limit, an offset, a sample or a sort sees the same rows in the same order on either side,
/// since the operator keeps rows where they are. Behind a sort it also runs once: partitioning by
/// ranges would run what is below twice.
public final class DeferInference extends Rule<LogicalPlan> {
  /// Rows of a limit that one task may answer: many windows of an engine.
  private static final int ONE_PARTITION = 10_000;

  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    return plan.transformUp(ScalaInterop.<LogicalPlan>rewriting(DeferInference::rewrite));
  }

  private static Optional<LogicalPlan> rewrite(LogicalPlan plan) {
    boolean moves =
        plan instanceof GlobalLimit
            || plan instanceof LocalLimit
            || plan instanceof Offset
            || plan instanceof Sample
            || plan instanceof Sort;
    return moves ? below((UnaryNode) plan) : Optional.empty();
  }

  /// `node` over what its child is made of, with the inference above; empty where there is none, or
  /// where `node` reads its answers.
  private static Optional<LogicalPlan> below(UnaryNode node) {
    List<Project> projects = new ArrayList<>();
    LogicalPlan child = node.child();
    while (child instanceof Project project) {
      projects.add(project);
      child = project.child();
    }
    if (!(child instanceof Inference inference)) {
      return Optional.empty();
    }
    LogicalPlan moved = (LogicalPlan) node;
    for (Project project : projects) {
      Optional<LogicalPlan> below = through(moved, project);
      if (below.isEmpty()) {
        return Optional.empty();
      }
      moved = below.get();
    }
    if (!readsOnly(moved, inference.child())) {
      return Optional.empty();
    }
    LogicalPlan lower = moved.withNewChildren(ScalaInterop.seq(List.of(inference.child())));
    LogicalPlan plan = inference.withNewChildInternal(spread(rewrite(lower).orElse(lower)));
    for (Project project : projects.reversed()) {
      plan = new Project(project.projectList(), plan);
    }
    return Optional.of(plan);
  }

  /// A limit leaves its rows in one partition. Where they are many, and in no order, all executors
  /// answer them.
  private static LogicalPlan spread(LogicalPlan plan) {
    boolean isLarge =
        plan instanceof GlobalLimit limit
            && limit.limitExpr() instanceof Literal literal
            && literal.value() instanceof Integer rows
            && rows > ONE_PARTITION;
    return isLarge && !plan.exists(ScalaInterop.predicate(node -> node instanceof Sort))
        ? new Repartition(SQLConf$.MODULE$.get().numShufflePartitions(), true, plan)
        : plan;
  }

  private static boolean readsOnly(LogicalPlan node, LogicalPlan child) {
    return ScalaInterop.<Expression>list(node.expressions()).stream()
        .allMatch(expression -> expression.references().subsetOf(child.outputSet()));
  }

  /// `node` as it reads what `project` reads; empty where that would compute something random, or
  /// costly, twice.
  private static Optional<LogicalPlan> through(LogicalPlan node, Project project) {
    Map<ExprId, Expression> definitions = new HashMap<>();
    boolean[] isPlain = {true};
    for (NamedExpression column : ScalaInterop.<NamedExpression>list(project.projectList())) {
      if (column instanceof Alias alias) {
        definitions.put(alias.exprId(), alias.child());
      }
    }
    LogicalPlan changed =
        node.mapExpressions(
            ScalaInterop.function(
                expression ->
                    expression.transformUp(
                        ScalaInterop.<Expression>rewriting(
                            e -> {
                              Expression definition =
                                  e instanceof Attribute attribute
                                      ? definitions.get(attribute.exprId())
                                      : null;
                              isPlain[0] &=
                                  definition == null
                                      || (definition.deterministic() && !definition.expensive());
                              return Optional.ofNullable(definition);
                            }))));
    return isPlain[0] ? Optional.of(changed) : Optional.empty();
  }
}
