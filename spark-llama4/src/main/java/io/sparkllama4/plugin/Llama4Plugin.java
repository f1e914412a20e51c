package io.sparkllama4.plugin;

import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.runtime.ModelHandle;
import java.nio.file.Path;
import java.util.Map;
import org.apache.spark.SparkContext;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.api.plugin.SparkPlugin;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// `spark.plugins`: keeps one engine per model in every executor.
///
/// The driver's half checks configuration and models before any task starts, so that whatever is
/// wrong stops the application at once with its reason. The executor's half never throws while
/// starting (a standalone cluster would start executors for ever); it loads a model when a task
/// first asks for it.
public final class Llama4Plugin implements SparkPlugin {
  private static final Logger LOG = LoggerFactory.getLogger(Llama4Plugin.class);

  @Override
  public DriverPlugin driverPlugin() {
    return new Driver();
  }

  @Override
  public ExecutorPlugin executorPlugin() {
    return new Executor();
  }

  private static final class Driver implements DriverPlugin {
    @Override
    public Map<String, String> init(SparkContext context, PluginContext plugin) {
      Llama4Conf conf = Llama4Conf.of(plugin.conf());
      if (conf.models().isEmpty()) {
        LOG.warn(
            "No model is configured: set {} or {}<alias> to a checkpoint directory",
            Llama4ConfKeys.MODEL,
            Llama4ConfKeys.MODELS);
      }
      conf.models().forEach((alias, directory) -> validate(alias, directory, conf));
      return Map.of();
    }

    private static void validate(String alias, Path directory, Llama4Conf conf) {
      try {
        ModelHandle.validate(directory, conf.runtime());
      } catch (Llama4Exception e) {
        Llama4Exception failure = Llama4ConfKeys.inTermsOfKeys(alias, e);
        LOG.error("Model [{}] cannot be used: {}", alias, failure.getMessage());
        throw failure;
      }
    }
  }

  private static final class Executor implements ExecutorPlugin {
    @Override
    public void init(PluginContext plugin, Map<String, String> extraConf) {
      ExecutorEngines.start(Llama4Conf.of(plugin.conf()));
    }

    @Override
    public void shutdown() {
      ExecutorEngines.stop();
    }
  }
}
