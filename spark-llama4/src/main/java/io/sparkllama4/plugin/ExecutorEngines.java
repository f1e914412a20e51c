package io.sparkllama4.plugin;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.runtime.Engines;
import io.sparkllama4.runtime.StatementAnswers;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The models of this executor, where its tasks find them.
///
/// The one static state of the plugin: tasks have no other way to what the plugin holds. It is set
/// when the plugin starts and cleared when it stops, so that a JVM can see several SparkContexts,
/// one after the other.
public final class ExecutorEngines {
  private static @Nullable ExecutorEngines current;

  private final Llama4Conf conf;
  private final Engines engines;
  private final StatementAnswers answers;

  private ExecutorEngines(Llama4Conf conf, List<String> devices) {
    this.conf = conf;
    this.engines = new Engines(conf.models(), conf.runtime().withDevices(devices));
    this.answers = new StatementAnswers(conf.answersBytes());
  }

  /// @param devices addresses of the devices that Spark has given to this executor; none where it
  ///     gives none
  static synchronized void start(Llama4Conf conf, List<String> devices) {
    stop();
    current = new ExecutorEngines(conf, devices);
  }

  static synchronized void stop() {
    if (current != null) {
      current.engines.close();
      current = null;
    }
  }

  /// Those of the running executor.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with UNSUPPORTED_FEATURE where the plugin is not
  ///     configured
  public static synchronized ExecutorEngines get() {
    if (current == null) {
      throw missingPlugin();
    }
    return current;
  }

  /// The error of a session that has the functions but not the engines.
  public static io.sparkllama4.error.Llama4Exception missingPlugin() {
    return ErrorReport.of(
            ErrorCode.UNSUPPORTED_FEATURE,
            "The functions of spark-llama4 need its plugin: start the application with"
                + " spark.plugins="
                + Llama4Plugin.class.getName())
        .key("spark.plugins")
        .exception();
  }

  /// The configuration.
  public Llama4Conf conf() {
    return conf;
  }

  /// What equal rows of a statement share.
  public StatementAnswers answers() {
    return answers;
  }

  /// The models.
  public Engines engines() {
    return engines;
  }
}
