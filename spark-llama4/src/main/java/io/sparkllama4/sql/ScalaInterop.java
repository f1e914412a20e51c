package io.sparkllama4.sql;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.apache.spark.sql.catalyst.InternalRow;
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

  /// What a task does with the rows of a partition.
  interface PartitionFunction extends Serializable {
    /// The output rows of a partition.
    Iterator<InternalRow> apply(Iterator<InternalRow> input);
  }

  /// The function as RDDs take it.
  static scala.Function1<
          scala.collection.Iterator<InternalRow>, scala.collection.Iterator<InternalRow>>
      partitions(PartitionFunction function) {
    return new SerializablePartitions(function);
  }

  private static final class SerializablePartitions
      extends AbstractFunction1<
          scala.collection.Iterator<InternalRow>, scala.collection.Iterator<InternalRow>>
      implements Serializable {
    private static final long serialVersionUID = 1L;

    private final PartitionFunction function;

    SerializablePartitions(PartitionFunction function) {
      this.function = function;
    }

    @Override
    public scala.collection.Iterator<InternalRow> apply(
        scala.collection.Iterator<InternalRow> input) {
      return CollectionConverters.asScala(function.apply(CollectionConverters.asJava(input)));
    }
  }
}
