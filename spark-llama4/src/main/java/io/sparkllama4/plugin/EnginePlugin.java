package io.sparkllama4.plugin;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.runtime.ModelHandle;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.api.plugin.SparkPlugin;
import org.apache.spark.resource.ResourceInformation;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Keeps one engine per model in every executor; [Llama4Plugin], the name in `spark.plugins`, hands
/// over to it.
///
/// The driver's half checks configuration and models before any task starts, so that whatever is
/// wrong stops the application at once with its reason. The executor's half never throws while
/// starting (a standalone cluster would start executors for ever); it loads a model when a task
/// first asks for it.
public final class EnginePlugin implements SparkPlugin {
  private static final String EXTENSIONS_KEY = "spark.sql.extensions";

  /// The resource whose addresses name devices: `spark.executor.resource.gpu.amount`.
  private static final String GPU_RESOURCE = "gpu";

  private static final String TASK_GPU_KEY = "spark.task.resource." + GPU_RESOURCE + ".amount";

  /// By name: this package knows no query.
  private static final String EXTENSIONS = "io.sparkllama4.udfs.Llama4Extensions";

  private static final Logger LOG = LoggerFactory.getLogger(EnginePlugin.class);

  @Override
  public DriverPlugin driverPlugin() {
    return new Driver();
  }

  @Override
  public ExecutorPlugin executorPlugin() {
    return new Executor();
  }

  /// Lets the backend find its libraries where the configuration says.
  ///
  /// @return the keys that say so
  private static List<String> useLibraries(SparkConf conf) {
    List<String> keys = new ArrayList<>();
    for (String key : List.of(Llama4ConfKeys.CUDA_LIBRARY, Llama4ConfKeys.NCCL_LIBRARY)) {
      String library = conf.get(key, "").trim();
      if (!library.isEmpty()) {
        System.setProperty(key, library);
        keys.add(key);
      }
    }
    return keys;
  }

  private static final class Driver implements DriverPlugin {
    @Override
    public Map<String, String> init(SparkContext context, PluginContext plugin) {
      Llama4Conf conf = Llama4Conf.of(plugin.conf());
      List<String> ignored = useLibraries(plugin.conf());
      requireResources(plugin.conf());
      addFunctions(plugin.conf());
      if (conf.models().isEmpty()) {
        LOG.warn(
            "No model is configured: set {} or {}<alias> to a checkpoint directory",
            Llama4ConfKeys.MODEL,
            Llama4ConfKeys.MODELS);
      }
      conf.models().forEach((alias, directory) -> validate(alias, directory, conf));
      return Map.of();
    }

    @Override
    public @Nullable Object receive(Object message) {
      if (message instanceof ExecutorEnds(String executor, String reason)) {
        LOG.error("Executor {} ends, and Spark replaces it: {}", executor, reason);
      }
      return null;
    }

    /// Spark's local mode has no resources: it would wait for ever for a task's part of one.
    private static void requireResources(SparkConf conf) {
      String master = conf.get("spark.master", "");
      if (conf.contains(TASK_GPU_KEY)
          && master.startsWith("local")
          && !master.startsWith("local-cluster")) {
        throw ErrorReport.of(
                ErrorCode.INVALID_OPTION,
                "No task would ever start: "
                    + TASK_GPU_KEY
                    + " asks for a resource, and Spark's local mode has none. Leave it out: in"
                    + " local mode all GPUs of the machine are used")
            .found(conf.get(TASK_GPU_KEY) + " with the master " + master, "not set")
            .key(TASK_GPU_KEY)
            .exception();
      }
    }

    /// The functions come with the plugin: sessions are made after it and read this key then.
    private static void addFunctions(SparkConf conf) {
      String extensions = conf.get(EXTENSIONS_KEY, "");
      if (!List.of(extensions.split("[\\s,]+")).contains(EXTENSIONS)) {
        conf.set(EXTENSIONS_KEY, extensions.isBlank() ? EXTENSIONS : extensions + "," + EXTENSIONS);
      }
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
    private List<String> named = List.of();

    @Override
    public void init(PluginContext plugin, Map<String, String> extraConf) {
      named = useLibraries(plugin.conf());
      ResourceInformation gpus = plugin.resources().get(GPU_RESOURCE);
      ExecutorEngines.start(
          Llama4Conf.of(plugin.conf()),
          gpus == null ? List.of() : List.of(gpus.addresses()),
          new LostDevice(plugin));
    }

    @Override
    public void shutdown() {
      ExecutorEngines.stop();
      named.forEach(System::clearProperty);
    }
  }
}
