package io.sparkllama4.sql;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.plugin.ExecutorEngines;
import io.sparkllama4.plugin.Llama4Conf;
import io.sparkllama4.plugin.Llama4Plugin;
import io.sparkllama4.runtime.Engines;
import java.util.TreeSet;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.ConditionalExpression;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.LambdaFunction;
import org.apache.spark.sql.catalyst.expressions.Or;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/// What analysis refuses: unknown models and options, wrong values, and places where a call would
/// be paid for by rows that do not need it.
///
/// A rule of the analyzer, called with every plan that it has resolved.
public final class CallChecks extends AbstractFunction1<LogicalPlan, BoxedUnit> {
  private final SparkConf conf;

  /// Checks the queries of an application.
  public CallChecks(SparkConf conf) {
    this.conf = conf;
  }

  @Override
  public BoxedUnit apply(LogicalPlan plan) {
    try {
      plan.foreach(ScalaInterop.<LogicalPlan>visitor(this::checkNode));
    } catch (Llama4Exception e) {
      throw Conditions.<RuntimeException>raise(Conditions.analysis(e.report()));
    }
    return BoxedUnit.UNIT;
  }

  private void checkNode(LogicalPlan node) {
    for (Expression expression : ScalaInterop.list(node.expressions())) {
      if (LiftedCalls.contains(expression)) {
        if (!(node instanceof Project) && !(node instanceof Filter)) {
          throw unsupportedPlace(expression, "the clause [" + node.nodeName() + "]");
        }
        checkExpression(expression);
      }
    }
  }

  private void checkExpression(Expression expression) {
    if (expression instanceof ModelCall call) {
      checkCall(call);
    }
    boolean isConditional =
        expression instanceof ConditionalExpression
            || expression instanceof And
            || expression instanceof Or
            || expression instanceof LambdaFunction;
    if (isConditional && LiftedCalls.contains(expression)) {
      throw unsupportedPlace(expression, "an expression that may leave it out");
    }
    ScalaInterop.list(expression.children()).forEach(this::checkExpression);
  }

  private static Llama4Exception unsupportedPlace(Expression expression, String place) {
    return ErrorReport.of(
            ErrorCode.UNSUPPORTED_PLACE,
            "A model call cannot stand in "
                + place
                + " yet; compute it in the SELECT of a subquery and use its column:"
                + " SELECT ... FROM (SELECT *, llama4_generate(prompt) AS answer FROM t)")
        .found(expression.sql(), "a call in the SELECT list or in WHERE, outside conditions")
        .exception();
  }

  private void checkCall(ModelCall call) {
    if (!conf.get("spark.plugins", "").contains(Llama4Plugin.class.getName())) {
      throw ExecutorEngines.missingPlugin();
    }
    CallArguments arguments = new CallArguments(call);
    var models = new TreeSet<>(Llama4Conf.of(conf).models().keySet());
    if (!models.contains(arguments.alias())) {
      throw Engines.unknownModel(arguments.alias(), String.join(", ", models));
    }
    arguments.check();
  }
}
