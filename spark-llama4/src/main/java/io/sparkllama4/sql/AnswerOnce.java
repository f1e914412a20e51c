package io.sparkllama4.sql;

import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.SortOrder;
import org.apache.spark.sql.catalyst.plans.logical.GlobalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LocalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.RebalancePartitions;
import org.apache.spark.sql.catalyst.plans.logical.Repartition;
import org.apache.spark.sql.catalyst.plans.logical.RepartitionByExpression;
import org.apache.spark.sql.catalyst.plans.logical.Sort;
import org.apache.spark.sql.catalyst.rules.Rule;
import scala.collection.immutable.Seq;

/// Keeps rows from being answered twice where Spark runs a stage twice.
///
/// A global sort, and any other partitioning by ranges, samples its input in a job of its own,
/// which computes that input a first time. A shuffle in between holds the answers: the second job
/// finds its files and skips the stage.
public final class AnswerOnce extends Rule<LogicalPlan> {
  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    return rewrite(plan, false);
  }

  /// @param isCut whether only the first rows are wanted: Spark then sorts without ranges
  private static LogicalPlan rewrite(LogicalPlan plan, boolean isCut) {
    boolean cuts =
        plan instanceof GlobalLimit
            || plan instanceof LocalLimit
            || (isCut && plan instanceof Project);
    boolean samples =
        switch (plan) {
          case Sort sort -> sort.global() && !isCut;
          case RepartitionByExpression repartition -> hasOrder(repartition.partitionExpressions());
          case RebalancePartitions rebalance -> hasOrder(rebalance.partitionExpressions());
          default -> false;
        };
    List<LogicalPlan> children =
        ScalaInterop.<LogicalPlan>list(plan.children()).stream()
            .map(child -> rewrite(child, cuts))
            .map(child -> samples && answersInItsStage(child) ? shuffled(child) : child)
            .toList();
    return plan.withNewChildren(ScalaInterop.seq(children));
  }

  private static boolean hasOrder(Seq<Expression> expressions) {
    return ScalaInterop.<Expression>list(expressions).stream()
        .anyMatch(SortOrder.class::isInstance);
  }

  /// True unless a shuffle that is sure to come holds all answers already.
  private static boolean answersInItsStage(LogicalPlan plan) {
    return switch (plan) {
      case Inference _ -> true;
      case RepartitionByExpression _ -> false;
      case Repartition repartition when repartition.shuffle() -> false;
      default ->
          ScalaInterop.<LogicalPlan>list(plan.children()).stream()
              .anyMatch(AnswerOnce::answersInItsStage);
    };
  }

  private static LogicalPlan shuffled(LogicalPlan plan) {
    return new RepartitionByExpression(
        ScalaInterop.seq(List.of()), plan, scala.Option.empty(), scala.Option.empty());
  }
}
