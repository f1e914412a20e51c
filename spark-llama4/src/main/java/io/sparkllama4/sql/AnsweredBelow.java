package io.sparkllama4.sql;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;

/// Finds calls of a projection that a filter below it has already answered: `SELECT f(p) ... WHERE
/// f(p) = 'x'` costs one call per row.
///
/// @param plan the projection's child, which lets the answers through
/// @param columns the answers
record AnsweredBelow(LogicalPlan plan, Map<ModelCall, Attribute> columns) {

  /// The answers to calls in `expressions`, if there are any below `child`.
  static Optional<AnsweredBelow> reuse(LogicalPlan child, List<Expression> expressions) {
    Map<ModelCall, Attribute> columns = new LinkedHashMap<>();
    Optional<LogicalPlan> plan = letThrough(child, expressions, columns);
    return columns.isEmpty() ? Optional.empty() : plan.map(p -> new AnsweredBelow(p, columns));
  }

  /// `plan` with the answers among its output; looks through filters, and through projections that
  /// only leave out columns, as the extraction from a filter makes them.
  private static Optional<LogicalPlan> letThrough(
      LogicalPlan plan, List<Expression> expressions, Map<ModelCall, Attribute> columns) {
    return switch (plan) {
      case Inference inference -> {
        collect(inference, expressions, columns);
        yield Optional.of(inference);
      }
      case Filter filter ->
          letThrough(filter.child(), expressions, columns)
              .map(below -> new Filter(filter.condition(), below));
      case Project project when keepsColumnsOnly(project) ->
          letThrough(project.child(), expressions, columns)
              .map(below -> widened(project, below, columns));
      default -> Optional.empty();
    };
  }

  private static boolean keepsColumnsOnly(Project project) {
    return ScalaInterop.<NamedExpression>list(project.projectList()).stream()
        .allMatch(Attribute.class::isInstance);
  }

  private static LogicalPlan widened(
      Project project, LogicalPlan below, Map<ModelCall, Attribute> columns) {
    List<NamedExpression> list = new ArrayList<>(ScalaInterop.list(project.projectList()));
    AttributeSet there = project.outputSet();
    for (Attribute column : columns.values()) {
      if (!there.contains(column)) {
        list.add(column);
      }
    }
    return new Project(ScalaInterop.seq(list), below);
  }

  private static void collect(
      Inference inference, List<Expression> expressions, Map<ModelCall, Attribute> columns) {
    List<ModelCall> calls = ScalaInterop.list(inference.calls());
    for (int i = 0; i < calls.size(); i++) {
      ModelCall call = calls.get(i);
      Attribute column = inference.results().apply(i);
      boolean wanted =
          expressions.stream()
              .anyMatch(
                  expression ->
                      expression.exists(
                          ScalaInterop.predicate(
                              e -> e instanceof ModelCall && e.semanticEquals(call))));
      if (wanted) {
        columns.put(call, column);
      }
    }
  }
}
