package io.sparkllama4.sql;

import java.util.Optional;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.rules.Rule;

/// Turns maps of options with literal names into options by name, once they are resolved: names can
/// then be checked, and the model be known.
public final class TakeOptionsApart extends Rule<LogicalPlan> {
  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    return plan.transformAllExpressions(
        ScalaInterop.<Expression>rewriting(
            expression ->
                expression instanceof ModelCall call
                    ? ModelCallBuilder.takeApart(call)
                    : Optional.empty()));
  }
}
