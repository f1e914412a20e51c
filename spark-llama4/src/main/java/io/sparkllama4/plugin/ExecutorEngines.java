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
  private final LostDevice lost;

  private ExecutorEngines(Llama4Conf conf, List<String> devices, LostDevice lost) {
    this.lost = lost;
    this.conf = conf;
    this.engines = new Engines(conf.models(), conf.runtime().withDevices(devices));
    this.answers = new StatementAnswers(conf.answersBytes());
  }

  /// @param devices addresses of the devices that Spark has given to this executor; none where it
  ///     gives none
  /// @param lost what is done when one of them is lost
  static synchronized void start(Llama4Conf conf, List<String> devices, LostDevice lost) {
    stop();
    current = new ExecutorEngines(conf, devices, lost);
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

  /// Ends this executor, whose device is lost; the task that has found it out may fail first.
  public void end(String reason) {
    lost.end(reason);
  }

  /// Holds up a task that has come to an executor which ends.
  public void awaitEnd() {
    lost.awaitEnd();
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
