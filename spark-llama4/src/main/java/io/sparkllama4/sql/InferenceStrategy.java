package io.sparkllama4.sql;

import java.util.List;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.SparkStrategy;
import scala.collection.immutable.Seq;

/// Plans [Inference] as [InferenceExec].
public final class InferenceStrategy extends SparkStrategy {
  @Override
  public Seq<SparkPlan> apply(LogicalPlan plan) {
    if (plan instanceof Inference inference) {
      return ScalaInterop.seq(
          List.of(
              new InferenceExec(
                  inference.calls(), inference.results(), planLater(inference.child()))));
    }
    return ScalaInterop.seq(List.of());
  }
}
