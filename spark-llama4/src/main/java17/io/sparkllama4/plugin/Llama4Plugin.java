package io.sparkllama4.plugin;

import java.util.Optional;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.SparkPlugin;
import org.jspecify.annotations.NullMarked;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// `spark.plugins`: the name that users give. It looks at the JVM and hands over to the plugin
/// proper, `EnginePlugin`, whose classes an older JVM cannot read.
@NullMarked
public final class Llama4Plugin implements SparkPlugin {
  /// By name: this class is compiled before that one, for an older release.
  private static final String PLUGIN = "io.sparkllama4.plugin.EnginePlugin";

  private static final Logger LOG = LoggerFactory.getLogger(Llama4Plugin.class);

  /// The driver's half.
  ///
  /// @throws IllegalStateException where the driver's JVM is too old
  @Override
  public DriverPlugin driverPlugin() {
    JavaVersion.requireForDriver();
    return plugin().driverPlugin();
  }

  /// The executor's half; none where the JVM is too old. A plugin that throws here would have a
  /// standalone cluster start executors for ever: the reason goes to the log, and every task fails
  /// with it ([CheckedTask]).
  @Override
  public @Nullable ExecutorPlugin executorPlugin() {
    Optional<String> problem = JavaVersion.executorProblem();
    if (problem.isPresent()) {
      LOG.error("{}", problem.get());
      return null;
    }
    return plugin().executorPlugin();
  }

  private static SparkPlugin plugin() {
    try {
      return Class.forName(PLUGIN, true, Llama4Plugin.class.getClassLoader())
          .asSubclass(SparkPlugin.class)
          .getConstructor()
          .newInstance();
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("The jar of spark-llama4 is not complete: " + PLUGIN, e);
    }
  }
}
