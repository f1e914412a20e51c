package io.sparkllama4.sql;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeReference;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.types.Metadata;

/// Calls taken out of the expressions of one plan node: each distinct call becomes a column of an
/// [Inference] below it.
///
/// Calls inside the arguments of others come first: one operator per level of nesting.
final class LiftedCalls {
  /// Calls by their canonical form, with the column that replaces them.
  private final Map<Expression, Attribute> columns = new HashMap<>();

  private LogicalPlan child;

  /// @param child what the node reads
  LiftedCalls(LogicalPlan child) {
    this.child = child;
  }

  /// True where a call stands somewhere in `expression`.
  static boolean contains(Expression expression) {
    return expression.exists(ScalaInterop.predicate(e -> e instanceof ModelCall));
  }

  /// Knows that the child has `column`, which holds what `call` gives.
  void know(ModelCall call, Attribute column) {
    columns.put(call.canonicalized(), column);
  }

  /// Makes columns for all calls in `expressions`.
  ///
  /// @param needed what else the node reads of its child
  void lift(List<Expression> expressions, AttributeSet needed) {
    for (List<ModelCall> level = ready(expressions); !level.isEmpty(); level = ready(expressions)) {
      List<Attribute> outputs = new ArrayList<>();
      for (ModelCall call : level) {
        Attribute column =
            new AttributeReference(
                call.prettyName(),
                call.dataType(),
                true,
                Metadata.empty(),
                NamedExpression.newExprId(),
                ScalaInterop.<String>seq(List.of()));
        outputs.add(column);
      }
      List<ModelCall> rewritten = level.stream().map(c -> (ModelCall) replaceInside(c)).toList();
      for (int i = 0; i < level.size(); i++) {
        columns.put(level.get(i).canonicalized(), outputs.get(i));
      }
      child =
          new Inference(
              ScalaInterop.seq(rewritten), ScalaInterop.seq(outputs), pruned(rewritten, needed));
    }
  }

  /// Leaves out columns of the child that neither the node nor the calls read.
  private LogicalPlan pruned(List<ModelCall> calls, AttributeSet needed) {
    AttributeSet read = needed;
    for (ModelCall call : calls) {
      read = read.$plus$plus(call.references());
    }
    for (Attribute column : columns.values()) {
      read = read.$plus(column);
    }
    List<NamedExpression> kept = new ArrayList<>();
    for (Attribute attribute : ScalaInterop.<Attribute>list(child.output())) {
      if (read.contains(attribute)) {
        kept.add(attribute);
      }
    }
    return kept.size() == child.output().size()
        ? child
        : new Project(ScalaInterop.seq(kept), child);
  }

  /// Distinct calls without a column whose arguments hold none without a column.
  private List<ModelCall> ready(List<Expression> expressions) {
    Map<Expression, ModelCall> ready = new LinkedHashMap<>();
    for (Expression expression : expressions) {
      expression.foreach(
          ScalaInterop.<Expression>visitor(
              e -> {
                if (e instanceof ModelCall call
                    && !columns.containsKey(call.canonicalized())
                    && ScalaInterop.list(call.children()).stream().noneMatch(this::hasUnlifted)) {
                  ready.putIfAbsent(call.canonicalized(), call);
                }
              }));
    }
    return List.copyOf(ready.values());
  }

  private boolean hasUnlifted(Expression expression) {
    return expression.exists(
        ScalaInterop.predicate(
            e -> e instanceof ModelCall call && !columns.containsKey(call.canonicalized())));
  }

  /// `expression` with its calls replaced by their columns.
  Expression replace(Expression expression) {
    // From the top, so that a call is found before the calls in its arguments are replaced.
    return expression.transformDown(
        ScalaInterop.<Expression>rewriting(
            e ->
                e instanceof ModelCall call
                    ? Optional.ofNullable(columns.get(call.canonicalized()))
                    : Optional.empty()));
  }

  private Expression replaceInside(ModelCall call) {
    List<Expression> children =
        ScalaInterop.<Expression>list(call.children()).stream().map(this::replace).toList();
    return call.withNewChildren(ScalaInterop.seq(children));
  }

  /// Reads `plan` from now on, which gives what the child gave and more.
  void child(LogicalPlan plan) {
    child = plan;
  }

  /// What the node reads instead.
  LogicalPlan child() {
    return child;
  }
}
