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
import org.apache.spark.sql.catalyst.expressions.AttributeReference;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.LambdaFunction;
import org.apache.spark.sql.catalyst.expressions.OuterReference;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.Expand;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.Generate;
import org.apache.spark.sql.catalyst.plans.logical.Join;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.RebalancePartitions;
import org.apache.spark.sql.catalyst.plans.logical.RepartitionByExpression;
import org.apache.spark.sql.catalyst.plans.logical.Sort;
import org.apache.spark.sql.catalyst.plans.logical.Window;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/// What analysis refuses: unknown models and options, wrong values, and places where a call has no
/// rows to be answered for.
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
        checkPlace(node, expression);
        checkExpression(expression);
      }
    }
  }

  private static void checkPlace(LogicalPlan node, Expression expression) {
    switch (node) {
      case Project _, Filter _, Aggregate _, Window _, Sort _, Generate _ -> {}
      case RepartitionByExpression _, RebalancePartitions _, Expand _ -> {}
      case Join join -> checkSides(join, expression);
      default ->
          throw unsupportedPlace(
              expression,
              "the clause [" + node.nodeName() + "]",
              "SELECT ... FROM (SELECT *, llama4_generate(prompt) AS answer FROM t)");
    }
  }

  private static void checkSides(Join join, Expression condition) {
    condition.foreach(
        ScalaInterop.<Expression>visitor(
            e -> {
              if (e instanceof ModelCall call
                  && !call.references().subsetOf(join.left().outputSet())
                  && !call.references().subsetOf(join.right().outputSet())) {
                throw unsupportedPlace(
                    call,
                    "a join condition where it reads both sides",
                    "SELECT ... FROM (SELECT *, llama4_generate(concat(a.x, b.y)) AS answer FROM a"
                        + " JOIN b ON a.k = b.k) WHERE answer = '...'");
              }
            }));
  }

  private void checkExpression(Expression expression) {
    if (expression instanceof ModelCall call) {
      checkCall(call);
      checkScope(call);
    }
    if (expression instanceof LambdaFunction && LiftedCalls.contains(expression)) {
      throw unsupportedPlace(
          expression,
          "a lambda function",
          "SELECT id, collect_list(llama4_generate(x)) FROM t LATERAL VIEW explode(items) AS x"
              + " GROUP BY id");
    }
    ScalaInterop.list(expression.children()).forEach(this::checkExpression);
  }

  /// A call in a subquery may read columns of the subquery or of the query around it, not both.
  private static void checkScope(ModelCall call) {
    boolean isOuter = call.exists(ScalaInterop.predicate(e -> e instanceof OuterReference));
    boolean isInner =
        call.exists(
            ScalaInterop.predicate(
                e -> e instanceof AttributeReference && !(e instanceof OuterReference)));
    if (isOuter && isInner) {
      throw unsupportedPlace(
          call,
          "a subquery where it reads columns of the query around it as well",
          "SELECT ... FROM (SELECT *, llama4_generate(concat(a.x, b.y)) AS answer FROM a JOIN b ON"
              + " a.k = b.k) WHERE answer = '...'");
    }
  }

  private static Llama4Exception unsupportedPlace(
      Expression expression, String place, String rewrite) {
    return ErrorReport.of(
            ErrorCode.UNSUPPORTED_PLACE,
            "A model call cannot stand in "
                + place
                + "; compute it in a query of its own and use its column: "
                + rewrite)
        .found(expression.sql(), "a call over the columns of one table or subquery")
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
