package io.sparkllama4.spark;

import io.sparkllama4.golden.EmulatedGpu;
import io.sparkllama4.golden.Oracle;
import io.sparkllama4.plugin.ExecutorEngines;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.TaskContext;
import org.apache.spark.resource.ExecutorResourceRequests;
import org.apache.spark.resource.ResourceInformation;
import org.apache.spark.resource.ResourceProfile;
import org.apache.spark.resource.ResourceProfileBuilder;
import org.apache.spark.resource.TaskResourceRequests;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.types.DataTypes;

/// An application in a process of its own, which prints its rows as JSON: answers, and which
/// process gave them on which device.
public final class GpuRows {
  static final int ROWS = 24;

  /// CUDA's number of an error that ends a context.
  private static final int LAUNCH_FAILED = 719;

  /// A setting of this application: its rows are answered in a stage with resources of its own.
  static final String STAGE_LEVEL = "spark.gpurows.stage";

  /// A setting of this application: the device of the first row's first attempt is lost.
  static final String LOSES_DEVICE = "spark.gpurows.lost";

  /// Without an order: a sort would bring the rows to one process before any is answered.
  private static final String QUERY =
      "SELECT id, y, place.process, place.addresses, place.device FROM (SELECT id, llama4_generate("
          + "concat('row ', seen(id)), max_tokens => CAST(id % 4 + 1 AS INT)) AS y, place(id) AS place"
          + " FROM range(0, "
          + ROWS
          + ", 1, 8))";

  private GpuRows() {}

  /// Runs the application.
  ///
  /// @param args the master, then settings as `key=value`
  public static void main(String[] args) {
    Map<String, String> conf = new TreeMap<>();
    conf.put("spark.llama4.model", Oracle.resources().resolve("scout").toString());
    conf.put("spark.llama4.kv.tokens", "20000");
    conf.put("spark.llama4.backend", "cuda");
    for (String setting : List.of(args).subList(1, args.length)) {
      int end = setting.indexOf('=');
      conf.put(setting.substring(0, end), setting.substring(end + 1));
    }
    try (Application spark = Application.start(args[0], conf)) {
      UDF1<Long, Map<String, String>> place = _ -> place();
      spark
          .session()
          .udf()
          .register(
              "place", place, DataTypes.createMapType(DataTypes.StringType, DataTypes.StringType));
      boolean losesDevice = conf.containsKey(LOSES_DEVICE);
      UDF1<Long, Long> seen = id -> seen(id, losesDevice);
      spark.session().udf().register("seen", seen, DataTypes.LongType);
      Dataset<String> rows = spark.sql(QUERY).toJSON();
      boolean isStageLevel = conf.containsKey(STAGE_LEVEL);
      (isStageLevel ? rows.toJavaRDD().withResources(gpuStage()).collect() : rows.collectAsList())
          .forEach(System.out::println);
    }
  }

  /// Executors with a GPU for one stage of an application whose others have none.
  private static ResourceProfile gpuStage() {
    return new ResourceProfileBuilder()
        .require(new ExecutorResourceRequests().cores(2).memory("1g").resource("gpu", 1, "", ""))
        .require(new TaskResourceRequests().cpus(1).resource("gpu", 0.5))
        .build();
  }

  /// The row, which may cost its executor the device.
  private static long seen(long id, boolean losesDevice) {
    if (losesDevice && id == 0 && TaskContext.get().attemptNumber() == 0) {
      // In the midst of the next step.
      EmulatedGpu.running().fail("cuLaunchKernel", 5, LAUNCH_FAILED);
    }
    return id;
  }

  /// Where this task runs, and the device of the engine that answers its rows.
  private static Map<String, String> place() {
    ResourceInformation gpus = TaskContext.get().resourcesJMap().get("gpu");
    return Map.of(
        "process",
        Long.toString(ProcessHandle.current().pid()),
        "addresses",
        gpus == null ? "none" : String.join(",", gpus.addresses()),
        "device",
        ExecutorEngines.get().engines().model("default").backend().kernelDetail());
  }
}
