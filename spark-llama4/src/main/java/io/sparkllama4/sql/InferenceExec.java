package io.sparkllama4.sql;

import io.sparkllama4.rows.CallPlan;
import io.sparkllama4.rows.InferenceMetrics;
import io.sparkllama4.rows.PartitionInference;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.apache.spark.TaskContext;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.expressions.JoinedRow;
import org.apache.spark.sql.catalyst.expressions.SortOrder;
import org.apache.spark.sql.catalyst.expressions.UnsafeProjection;
import org.apache.spark.sql.catalyst.plans.physical.Partitioning;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.UnaryExecNode;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.jspecify.annotations.Nullable;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;
import scala.reflect.ClassTag$;

/// The physical operator: every task feeds its rows to the executor's engine and adds the answers
/// as columns. Rows stay in their partitions and in their order.
@SuppressWarnings(
    "serial") // Scala's sequences are serializable, though their interface does not say so.
public final class InferenceExec extends SparkPlan implements UnaryExecNode {
  private static final long serialVersionUID = 1L;

  private final Seq<ModelCall> calls;
  private final Seq<Attribute> results;
  private final SparkPlan child;
  private transient @Nullable InferenceMetrics metrics;

  /// An operator; public since Catalyst copies nodes by their constructors.
  public InferenceExec(Seq<ModelCall> calls, Seq<Attribute> results, SparkPlan child) {
    this.calls = calls;
    this.results = results;
    this.child = child;
  }

  @Override
  public String nodeName() {
    return "Llama4Inference";
  }

  @Override
  public SparkPlan child() {
    return child;
  }

  @Override
  public Seq<SparkPlan> children() {
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
  public Partitioning outputPartitioning() {
    return child.outputPartitioning();
  }

  @Override
  public Seq<SortOrder> outputOrdering() {
    return child.outputOrdering();
  }

  private synchronized InferenceMetrics counters() {
    InferenceMetrics counters = metrics;
    if (counters == null) {
      counters = InferenceMetrics.create(session().sparkContext());
      metrics = counters;
    }
    return counters;
  }

  @Override
  public scala.collection.immutable.Map<String, SQLMetric> metrics() {
    return ScalaMaps.of(counters().byName());
  }

  @Override
  public RDD<InternalRow> doExecute() {
    List<CallPlan> plans = new ArrayList<>();
    List<Seq<Expression>> arguments = new ArrayList<>();
    for (ModelCall call : ScalaInterop.<ModelCall>list(calls)) {
      CallArguments parts = new CallArguments(call);
      plans.add(parts.plan());
      arguments.add(ScalaInterop.seq(parts.columns()));
    }
    return input()
        .mapPartitions(
            ScalaInterop.partitions(
                task(
                    List.copyOf(plans),
                    List.copyOf(arguments),
                    child.output(),
                    output(),
                    counters())),
            true,
            ClassTag$.MODULE$.apply(InternalRow.class));
  }

  /// The child's rows, out of its columns where it gives those ([ReadColumns]).
  private RDD<InternalRow> input() {
    if (!ReadColumns.givesColumnsOnly(child)) {
      return child.execute();
    }
    Seq<Attribute> attributes = child.output();
    return child
        .executeColumnar()
        .mapPartitions(
            ScalaInterop.partitions(batches -> ReadColumns.rows(batches, attributes)),
            true,
            ClassTag$.MODULE$.apply(InternalRow.class));
  }

  /// What a task does; it takes no reference to this node along.
  private static ScalaInterop.PartitionFunction<InternalRow> task(
      List<CallPlan> plans,
      List<Seq<Expression>> arguments,
      Seq<Attribute> input,
      Seq<Attribute> output,
      InferenceMetrics metrics) {
    return rows -> {
      List<Function<InternalRow, InternalRow>> projections = new ArrayList<>();
      for (Seq<Expression> columns : arguments) {
        UnsafeProjection projection = UnsafeProjection.create(columns, input);
        // Arguments may hold rand() and its like, which depend on the partition.
        projection.initialize(TaskContext.getPartitionId());
        projections.add(projection::apply);
      }
      @SuppressWarnings("unchecked") // A sequence of attributes is one of expressions.
      Seq<Expression> columns = (Seq<Expression>) (Seq<?>) output;
      UnsafeProjection join = UnsafeProjection.create(columns, output);
      JoinedRow joined = new JoinedRow();
      return new PartitionInference(
          rows,
          plans,
          projections,
          (row, values) -> join.apply(joined.apply(row, new GenericInternalRow(values))),
          metrics,
          TaskContext.get());
    };
  }

  @Override
  public SparkPlan withNewChildInternal(SparkPlan newChild) {
    return new InferenceExec(calls, results, newChild);
  }

  @Override
  public SparkPlan withNewChildrenInternal(IndexedSeq<SparkPlan> newChildren) {
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
    return other instanceof InferenceExec;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof InferenceExec exec
        && calls.equals(exec.calls)
        && results.equals(exec.results)
        && child.equals(exec.child);
  }

  @Override
  public int hashCode() {
    return Objects.hash(calls, results, child);
  }
}
