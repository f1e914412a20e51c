package io.sparkllama4.sql;

import java.util.Collections;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.UnsafeProjection;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.execution.ColumnarRule;
import org.apache.spark.sql.execution.ColumnarToRowExec;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import scala.collection.immutable.Seq;

/// Lets the operator read the batches of a columnar child (Parquet, a cached table) itself, without
/// Spark's operator that turns them into rows.
public final class ReadColumns extends ColumnarRule {
  @Override
  public Rule<SparkPlan> postColumnarTransitions() {
    return new Rule<>() {
      @Override
      public SparkPlan apply(SparkPlan plan) {
        return plan.transformUp(ScalaInterop.<SparkPlan>rewriting(ReadColumns::withoutTransition));
      }
    };
  }

  private static Optional<SparkPlan> withoutTransition(SparkPlan plan) {
    return plan instanceof InferenceExec inference
            && inference.child() instanceof ColumnarToRowExec transition
            && givesColumnsOnly(transition.child())
        ? Optional.of(inference.withNewChildInternal(transition.child()))
        : Optional.empty();
  }

  /// True of a plan whose output must be read in batches.
  static boolean givesColumnsOnly(SparkPlan plan) {
    return plan.supportsColumnar() && !plan.supportsRowBased();
  }

  /// The rows of batches, each good until the next is asked for.
  static Iterator<InternalRow> rows(Iterator<ColumnarBatch> batches, Seq<Attribute> attributes) {
    @SuppressWarnings("unchecked") // A sequence of attributes is one of expressions.
    Seq<Expression> columns = (Seq<Expression>) (Seq<?>) attributes;
    // Nested values of a batch are views of memory that the next batch may take.
    UnsafeProjection projection = UnsafeProjection.create(columns, attributes);
    return new Iterator<>() {
      private Iterator<InternalRow> rows = Collections.emptyIterator();

      @Override
      public boolean hasNext() {
        while (!rows.hasNext() && batches.hasNext()) {
          rows = batches.next().rowIterator();
        }
        return rows.hasNext();
      }

      @Override
      public InternalRow next() {
        if (!hasNext()) {
          throw new NoSuchElementException();
        }
        return projection.apply(rows.next());
      }
    };
  }
}
