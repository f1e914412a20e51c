package io.sparkllama4.plugin;

import java.util.Optional;
import org.jspecify.annotations.NullMarked;

/// Whether this JVM can run spark-llama4.
///
/// Compiled for release 17, the oldest that runs Spark, as is everything that Spark loads by name:
/// an older JVM gets a message that it can read, not an UnsupportedClassVersionError.
@NullMarked
public final class JavaVersion {
  /// Earlier builds of 25 may move pinned objects (JDK-8377811), under the feet of native code.
  private static final Runtime.Version OLDEST = Runtime.Version.parse("25.0.3");

  private JavaVersion() {}

  /// Refuses a driver that is too old.
  ///
  /// @throws IllegalStateException with the java that was found and what sets another
  public static void requireForDriver() {
    Optional<String> problem =
        problem(
            Runtime.version(),
            "driver",
            "set the environment variable JAVA_HOME to a JDK 25 before spark-submit, spark-sql or"
                + " pyspark is started (cluster deploy mode on YARN:"
                + " spark.yarn.appMasterEnv.JAVA_HOME), and"
                + " spark.executorEnv.JAVA_HOME=/path/to/jdk-25 for the executors");
    if (problem.isPresent()) {
      throw new IllegalStateException(problem.get());
    }
  }

  /// What is wrong with the executor that this JVM is; empty where nothing is.
  public static Optional<String> executorProblem() {
    return problem(
        Runtime.version(),
        "executor",
        "set spark.executorEnv.JAVA_HOME to the directory of a JDK 25 on the executors' machines,"
            + " or JAVA_HOME in the environment of the workers");
  }

  /// What is wrong with a JVM.
  ///
  /// @param found its version
  /// @param process what it runs
  /// @param remedy what sets another
  static Optional<String> problem(Runtime.Version found, String process, String remedy) {
    if (found.compareToIgnoreOptional(OLDEST) >= 0) {
      return Optional.empty();
    }
    return Optional.of(
        "spark-llama4 needs Java "
            + OLDEST
            + " or newer, but this "
            + process
            + " runs on Java "
            + found
            + " in "
            + System.getProperty("java.home")
            + ": "
            + remedy);
  }
}
