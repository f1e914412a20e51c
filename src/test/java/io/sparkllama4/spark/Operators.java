package io.sparkllama4.spark;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.adaptive.AdaptiveSparkPlanExec;
import org.apache.spark.sql.execution.adaptive.QueryStageExec;
import org.apache.spark.sql.execution.metric.SQLMetric;
import scala.jdk.javaapi.CollectionConverters;

/// The inference operators of a query's executed plan.
///
/// @param plans the operators, those of subqueries too
record Operators(List<SparkPlan> plans) {
  /// The operators of `query`; where it has run, with what they counted.
  static Operators of(Dataset<?> query) {
    List<SparkPlan> found = new ArrayList<>();
    collect(query.queryExecution().executedPlan(), found);
    return new Operators(List.copyOf(found));
  }

  private static void collect(SparkPlan plan, List<SparkPlan> found) {
    switch (plan) {
      case AdaptiveSparkPlanExec adaptive -> collect(adaptive.executedPlan(), found);
      case QueryStageExec stage -> collect(stage.plan(), found);
      default -> {
        if (plan.nodeName().equals("Llama4Inference")) {
          found.add(plan);
        }
        CollectionConverters.asJava(plan.children()).forEach(child -> collect(child, found));
        CollectionConverters.asJava(plan.subqueries()).forEach(child -> collect(child, found));
      }
    }
  }

  int count() {
    return plans.size();
  }

  /// The sum of a metric over the operators.
  long sum(String metric) {
    return plans.stream()
        .map(plan -> plan.metrics().apply(metric))
        .mapToLong(SQLMetric::value)
        .sum();
  }
}
