package io.sparkllama4.cli.spark;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.apache.spark.sql.execution.CommandResultExec;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.adaptive.AdaptiveSparkPlanExec;
import org.apache.spark.sql.execution.adaptive.QueryStageExec;
import org.apache.spark.sql.execution.exchange.ReusedExchangeExec;
import org.apache.spark.sql.execution.metric.SQLMetric;
import scala.jdk.javaapi.CollectionConverters;

/// The inference operators of an executed plan and what they counted: the final adaptive plan and
/// its subqueries, reused parts once, cached tables not.
final class PlanFigures {
  private static final String OPERATOR = "Llama4Inference";

  private final List<SparkPlan> operators = new ArrayList<>();
  private final Set<SparkPlan> visited = Collections.newSetFromMap(new IdentityHashMap<>());

  PlanFigures(SparkPlan plan) {
    visit(plan);
  }

  private void visit(SparkPlan plan) {
    if (plan instanceof ReusedExchangeExec || !visited.add(plan)) {
      return;
    }
    switch (plan) {
      case AdaptiveSparkPlanExec adaptive -> visit(adaptive.executedPlan());
      case QueryStageExec stage -> visit(stage.plan());
      case CommandResultExec command -> visit(command.commandPhysicalPlan());
      default -> {
        if (plan.nodeName().equals(OPERATOR)) {
          operators.add(plan);
        }
        CollectionConverters.asJava(plan.children()).forEach(this::visit);
        CollectionConverters.asJava(plan.subqueries()).forEach(this::visit);
      }
    }
  }

  /// The number of inference operators.
  int operators() {
    return operators.size();
  }

  /// The sum of a metric over them.
  long sum(String name) {
    long sum = 0;
    for (SparkPlan operator : operators) {
      SQLMetric metric = operator.metrics().apply(name);
      sum += metric.value();
    }
    return sum;
  }
}
