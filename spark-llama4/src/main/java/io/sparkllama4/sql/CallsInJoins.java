package io.sparkllama4.sql;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.plans.Inner$;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.Join;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;

/// Calls in a join's condition: each is answered on the side that has its columns. One that reads
/// both sides can be answered behind an inner join alone, which is where it stood when the query
/// was analysed: the optimizer moved it into the condition.
final class CallsInJoins {
  private final ExtractInference rule;
  private final Join join;

  CallsInJoins(ExtractInference rule, Join join) {
    this.rule = rule;
    this.join = join;
  }

  /// The plan with its calls lifted.
  LogicalPlan lift() {
    Expression condition = join.condition().get();
    LiftedCalls left = rule.callsAbove(join.left());
    left.reuse(List.of(condition));
    left.lift(List.of(condition), join.left().outputSet());
    condition = left.replace(condition);
    LiftedCalls right = rule.callsAbove(join.right());
    if (LiftedCalls.contains(condition)) {
      right.reuse(List.of(condition));
      right.lift(List.of(condition), join.right().outputSet());
      condition = right.replace(condition);
    }
    List<Expression> within = new ArrayList<>();
    List<Expression> behind = new ArrayList<>();
    for (Expression conjunct : ExtractInference.conjuncts(condition)) {
      (LiftedCalls.contains(conjunct) ? behind : within).add(conjunct);
    }
    if (!behind.isEmpty() && !join.joinType().equals(Inner$.MODULE$)) {
      throw ExtractInference.refused(join);
    }
    scala.Option<Expression> kept =
        within.isEmpty()
            ? scala.Option.empty()
            : scala.Option.apply(ExtractInference.conjunction(within));
    LogicalPlan joined = new Join(left.child(), right.child(), join.joinType(), kept, join.hint());
    LogicalPlan filtered =
        behind.isEmpty()
            ? joined
            : rule.lift(new Filter(ExtractInference.conjunction(behind), joined));
    return ExtractInference.only(ScalaInterop.list(join.output()), filtered);
  }
}
