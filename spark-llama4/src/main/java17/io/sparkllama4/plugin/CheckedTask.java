package io.sparkllama4.plugin;

import java.io.Serializable;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.apache.spark.SparkEnv;
import org.jspecify.annotations.NullMarked;
import scala.Function1;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;
import scala.runtime.AbstractFunction1;

/// A task's function that looks at the JVM of its executor before it loads any class that an older
/// one cannot read. The function travels serialized inside of this one: were it a plain field, the
/// executor would need its class to read the task.
///
/// @param <T> what it takes
/// @param <R> what it gives
@NullMarked
public final class CheckedTask<T, R> extends AbstractFunction1<T, R> implements Serializable {
  private static final long serialVersionUID = 1L;

  private final byte[] function;

  private CheckedTask(byte[] function) {
    this.function = function;
  }

  /// The function `task`, which must be serializable; on the driver.
  public static <T, R, F extends Function1<T, R> & Serializable> CheckedTask<T, R> of(F task) {
    ByteBuffer bytes =
        SparkEnv.get().closureSerializer().newInstance().serialize(task, CheckedTask.<F>anyType());
    byte[] copy = new byte[bytes.remaining()];
    bytes.get(copy);
    return new CheckedTask<>(copy);
  }

  /// Runs the function, in a task.
  ///
  /// @throws IllegalStateException where the executor's JVM is too old
  @Override
  public R apply(T argument) {
    Optional<String> problem = JavaVersion.executorProblem();
    if (problem.isPresent()) {
      throw new IllegalStateException(problem.get());
    }
    Function1<T, R> task =
        SparkEnv.get()
            .closureSerializer()
            .newInstance()
            .deserialize(
                ByteBuffer.wrap(function),
                Thread.currentThread().getContextClassLoader(),
                CheckedTask.<Function1<T, R>>anyType());
    return task.apply(argument);
  }

  @SuppressWarnings("unchecked") // Java serialization asks no tag what it reads.
  private static <F> ClassTag<F> anyType() {
    return (ClassTag<F>) ClassTag$.MODULE$.Any();
  }
}
