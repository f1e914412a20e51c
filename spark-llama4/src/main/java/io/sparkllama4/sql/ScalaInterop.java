package io.sparkllama4.sql;

import io.sparkllama4.plugin.CheckedTask;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import scala.PartialFunction;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;
import scala.runtime.AbstractPartialFunction;
import scala.runtime.BoxedUnit;

/// Java's collections and functions as Scala's, and back: all that Catalyst needs of it.
final class ScalaInterop {
  private ScalaInterop() {}

  /// An immutable Scala sequence.
  static <T> Seq<T> seq(List<? extends T> list) {
    return CollectionConverters.<T>asScala(new ArrayList<T>(list)).toSeq();
  }

  /// A Java list of a Scala sequence's elements.
  static <T> List<T> list(scala.collection.Seq<? extends T> seq) {
    return List.copyOf(new ArrayList<T>(CollectionConverters.asJava(seq)));
  }

  /// Named expressions as expressions, which all of them are.
  static List<Expression> expressions(scala.collection.Seq<NamedExpression> seq) {
    return ScalaInterop.<NamedExpression>list(seq).stream().map(e -> (Expression) e).toList();
  }

  /// A partial function: defined where `rewrite` gives something.
  static <T> PartialFunction<T, T> rewriting(Function<T, Optional<T>> rewrite) {
    return new AbstractPartialFunction<T, T>() {
      @Override
      public boolean isDefinedAt(T value) {
        return rewrite.apply(value).isPresent();
      }

      @Override
      public T apply(T value) {
        return rewrite.apply(value).orElse(value);
      }
    };
  }

  /// A Scala function.
  static <A, B> scala.Function1<A, B> function(Function<A, B> function) {
    return new AbstractFunction1<>() {
      @Override
      public B apply(A value) {
        return function.apply(value);
      }
    };
  }

  /// A Scala function that gives nothing back.
  static <A> scala.Function1<A, BoxedUnit> visitor(Consumer<A> visitor) {
    return new AbstractFunction1<>() {
      @Override
      public BoxedUnit apply(A value) {
        visitor.accept(value);
        return BoxedUnit.UNIT;
      }
    };
  }

  /// A Scala predicate.
  static <T> scala.Function1<T, Object> predicate(Predicate<T> predicate) {
    return new AbstractFunction1<>() {
      @Override
      public Object apply(T value) {
        return predicate.test(value);
      }
    };
  }

  /// What a task does with a partition's input, rows or batches of them.
  interface PartitionFunction<A> extends Serializable {
    /// The output rows of a partition.
    Iterator<InternalRow> apply(Iterator<A> input);
  }

  /// The function as RDDs take it.
  static <A>
      scala.Function1<scala.collection.Iterator<A>, scala.collection.Iterator<InternalRow>>
          partitions(PartitionFunction<A> function) {
    return CheckedTask.of(new SerializablePartitions<>(function));
  }

  private static final class SerializablePartitions<A>
      extends AbstractFunction1<
          scala.collection.Iterator<A>, scala.collection.Iterator<InternalRow>>
      implements Serializable {
    private static final long serialVersionUID = 1L;

    private final PartitionFunction<A> function;

    SerializablePartitions(PartitionFunction<A> function) {
      this.function = function;
    }

    @Override
    public scala.collection.Iterator<InternalRow> apply(scala.collection.Iterator<A> input) {
      return CollectionConverters.asScala(function.apply(CollectionConverters.asJava(input)));
    }
  }
}
