package io.sparkllama4.udfs;

import io.sparkllama4.plugin.JavaVersion;
import org.apache.spark.sql.SparkSessionExtensions;
import org.jspecify.annotations.NullMarked;
import scala.Function1;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/// `spark.sql.extensions`: the name that users give. It looks at the JVM and hands over to the
/// extension proper, `QueryExtensions`, whose classes an older JVM cannot read.
@NullMarked
public final class Llama4Extensions extends AbstractFunction1<SparkSessionExtensions, BoxedUnit> {
  /// By name: this class is compiled before that one, for an older release.
  private static final String EXTENSIONS = "io.sparkllama4.udfs.QueryExtensions";

  /// Brings the functions and the rules that plan them into a session.
  ///
  /// @throws IllegalStateException where the driver's JVM is too old
  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    JavaVersion.requireForDriver();
    return proper().apply(extensions);
  }

  // A class of this package, whose type is known.
  @SuppressWarnings({"unchecked", "UnsafeReflectiveConstructionCast"})
  private static Function1<SparkSessionExtensions, BoxedUnit> proper() {
    try {
      return (Function1<SparkSessionExtensions, BoxedUnit>)
          Class.forName(EXTENSIONS, true, Llama4Extensions.class.getClassLoader())
              .getConstructor()
              .newInstance();
    } catch (ReflectiveOperationException e) {
      // Spark passes over a LinkageError or a class that is not found, with a line in the log.
      throw new IllegalStateException("The jar of spark-llama4 is not complete: " + EXTENSIONS, e);
    }
  }
}
