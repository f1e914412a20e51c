package io.sparkllama4.sql;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.UnaryNode;
import scala.Option;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;

/// Answers model calls for every row of its child: the child's columns, and one for each call.
public final class Inference extends LogicalPlan implements UnaryNode {
  private static final long serialVersionUID = 1L;

  private final Seq<ModelCall> calls;
  private final Seq<Attribute> results;
  private final LogicalPlan child;

  /// An operator; public since Catalyst copies nodes by their constructors.
  ///
  /// @param calls over the columns of `child`
  /// @param results one column for each call
  public Inference(Seq<ModelCall> calls, Seq<Attribute> results, LogicalPlan child) {
    this.calls = calls;
    this.results = results;
    this.child = child;
  }

  /// The calls.
  public Seq<ModelCall> calls() {
    return calls;
  }

  /// The columns that hold their values.
  public Seq<Attribute> results() {
    return results;
  }

  @Override
  public LogicalPlan child() {
    return child;
  }

  @Override
  public Seq<LogicalPlan> children() {
    return ScalaInterop.seq(List.of(child));
  }

  @Override
  public Seq<Attribute> output() {
    List<Attribute> output = new ArrayList<>(ScalaInterop.<Attribute>list(child.output()));
    output.addAll(ScalaInterop.<Attribute>list(results));
    return ScalaInterop.seq(output);
  }

  @Override
  public AttributeSet producedAttributes() {
    return AttributeSet.fromAttributeSets(
        ScalaInterop.<AttributeSet>seq(
            ScalaInterop.<Attribute>list(results).stream().map(AttributeSet::apply).toList()));
  }

  @Override
  public Option<Object> maxRows() {
    return child.maxRows();
  }

  @Override
  public LogicalPlan withNewChildInternal(LogicalPlan newChild) {
    return new Inference(calls, results, newChild);
  }

  @Override
  public LogicalPlan withNewChildrenInternal(IndexedSeq<LogicalPlan> newChildren) {
    return withNewChildInternal(newChildren.head());
  }

  @Override
  public int productArity() {
    return 3;
  }

  @Override
  public Object productElement(int i) {
    return switch (i) {
      case 0 -> calls;
      case 1 -> results;
      case 2 -> child;
      default -> throw new IndexOutOfBoundsException(i);
    };
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof Inference;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Inference inference
        && calls.equals(inference.calls)
        && results.equals(inference.results)
        && child.equals(inference.child);
  }

  @Override
  public int hashCode() {
    return java.util.Objects.hash(calls, results, child);
  }
}
