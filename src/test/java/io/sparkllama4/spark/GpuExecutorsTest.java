package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sparkllama4.clients.UserProcess;
import io.sparkllama4.golden.EmulatedGpu;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Executors that are processes of their own, each on the device whose address Spark has given it.
@Tag("full")
class GpuExecutorsTest {
  private static final Path ROOT = Path.of(System.getProperty("sparkllama4.root"));
  private static final ObjectMapper JSON = new ObjectMapper();

  /// One host with two of three devices, in another order; Spark sees two executors of two cores.
  private static final Map<String, String> DEVICES =
      Map.of("EMULATED_CUDA_DEVICES", "3", "CUDA_VISIBLE_DEVICES", "2,0");

  private static final List<String> TWO_EXECUTORS =
      List.of(
          "spark.executor.cores=2",
          "spark.executor.memory=1g",
          "spark.cores.max=4",
          "spark.scheduler.minRegisteredResourcesRatio=1.0",
          "spark.scheduler.maxRegisteredResourcesWaitingTime=300s",
          "spark.executor.resource.gpu.amount=1",
          "spark.task.resource.gpu.amount=0.5",
          "spark.worker.resource.gpu.amount=2");

  @TempDir Path folder;

  /// Runs [GpuRows] to its end, which must be the status `expected`.
  private UserProcess run(int expected, String master, List<String> settings)
      throws IOException, InterruptedException {
    String classes =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    // The launcher of executors wants a distribution; the class path below is what they run.
    Path home = Files.createDirectories(folder.resolve("spark-home"));
    Files.createDirectories(home.resolve("jars"));
    Map<String, String> environment = new TreeMap<>(DEVICES);
    environment.put("SPARK_HOME", home.toString());
    environment.put("SPARK_SCALA_VERSION", "2.13");
    environment.put("SPARK_LOCAL_IP", "127.0.0.1");
    environment.put("SPARK_LOCAL_HOSTNAME", "localhost");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("@" + ROOT.resolve("conf/jvm.flags"));
    command.add("-Xmx1g");
    command.add("-Dsparkllama4.root=" + ROOT);
    command.add("-Dlog4j2.configurationFile=" + ROOT.resolve("conf/log4j2.properties"));
    command.add("-cp");
    command.add(classes);
    command.add(GpuRows.class.getName());
    command.add(master);
    command.add("spark.llama4.cuda.library=" + EmulatedGpu.library());
    command.add("spark.executor.extraClassPath=" + classes);
    command.add("spark.executorEnv.JAVA_HOME=" + System.getProperty("java.home"));
    command.addAll(settings);
    return UserProcess.run(folder.resolve("process"), environment, expected, command);
  }

  private List<JsonNode> rows(String master, List<String> settings)
      throws IOException, InterruptedException {
    return parsed(run(0, master, settings));
  }

  private static List<JsonNode> parsed(UserProcess process) {
    List<JsonNode> rows =
        process
            .output()
            .lines()
            .map(GpuExecutorsTest::parsed)
            .sorted(Comparator.comparingInt(row -> row.get("id").intValue()))
            .toList();
    assertThat(rows).as(process.errors()).hasSize(GpuRows.ROWS);
    return rows;
  }

  private static JsonNode parsed(String line) {
    try {
      return JSON.readTree(line);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(line, e);
    }
  }

  private static List<String> all(List<JsonNode> rows, String column) {
    return rows.stream().map(row -> row.get(column).textValue()).toList();
  }

  private static List<String> with(List<String> settings, String... more) {
    List<String> all = new ArrayList<>(settings);
    all.addAll(List.of(more));
    return all;
  }

  @Test
  void eachExecutorAnswersOnItsOwnDevice() throws IOException, InterruptedException {
    List<JsonNode> cluster =
        rows(
            "local-cluster[1,4,2048]",
            with(
                TWO_EXECUTORS,
                "spark.worker.resource.gpu.discoveryScript=" + ROOT.resolve("conf/gpus.sh")));
    Map<String, String> devices = new TreeMap<>();
    for (JsonNode row : cluster) {
      String address = row.get("addresses").textValue();
      String device = row.get("device").textValue();
      assertThat(device).startsWith("device " + address + " (Emulated device ");
      assertThat(devices.computeIfAbsent(row.get("process").textValue(), _ -> device))
          .as("the device of one process")
          .isEqualTo(device);
    }
    assertThat(devices).as("devices by process").hasSize(2);
    assertThat(devices.values()).doesNotHaveDuplicates();
    assertThat(new TreeSet<>(all(cluster, "addresses"))).containsExactly("0", "1");

    List<JsonNode> local = rows("local[2]", List.of());
    assertThat(new TreeSet<>(all(local, "process"))).hasSize(1);
    assertThat(new TreeSet<>(all(local, "addresses"))).containsExactly("none");
    assertThat(all(local, "y")).doesNotContainNull().isEqualTo(all(cluster, "y"));
  }

  /// The application's executors have no GPU; those that the one stage asks for have.
  @Test
  void aStageHasExecutorsWithDevicesOfItsOwn() throws IOException, InterruptedException {
    List<JsonNode> rows =
        rows(
            "local-cluster[1,4,4096]",
            List.of(
                GpuRows.STAGE_LEVEL + "=true",
                "spark.executor.cores=2",
                "spark.executor.memory=1g",
                "spark.dynamicAllocation.enabled=true",
                "spark.dynamicAllocation.shuffleTracking.enabled=true",
                "spark.dynamicAllocation.initialExecutors=0",
                "spark.dynamicAllocation.maxExecutors=2",
                "spark.worker.resource.gpu.amount=2",
                "spark.worker.resource.gpu.discoveryScript=" + ROOT.resolve("conf/gpus.sh")));
    assertThat(all(rows, "y")).doesNotContainNull();
    for (JsonNode row : rows) {
      String address = row.get("addresses").textValue();
      assertThat(address).isIn("0", "1");
      assertThat(row.get("device").textValue()).startsWith("device " + address + " (");
    }
  }

  /// The answers are those of an undisturbed job, and the driver knows why an executor has ended.
  @Test
  void anExecutorWhoseDeviceIsLostIsReplaced() throws IOException, InterruptedException {
    List<JsonNode> undisturbed = rows("local[2]", List.of());
    UserProcess process =
        run(
            0,
            "local-cluster[1,4,2048]",
            with(
                TWO_EXECUTORS,
                GpuRows.LOSES_DEVICE + "=true",
                "spark.worker.resource.gpu.discoveryScript=" + ROOT.resolve("conf/gpus.sh")));
    assertThat(all(parsed(process), "y")).isEqualTo(all(undisturbed, "y"));
    assertThat(process.errors())
        .containsPattern("Executor [01] ends, and Spark replaces it: .*CUDA_ERROR_LAUNCH_FAILED");
  }

  @Test
  void anAddressWithoutADeviceFailsTheQueryWithItsKey() throws IOException, InterruptedException {
    Path script = folder.resolve("wrong.sh");
    Files.writeString(
        script, "#!/bin/sh\necho '{\"name\": \"gpu\", \"addresses\": [\"6\", \"7\"]}'\n");
    assertThat(script.toFile().setExecutable(true)).isTrue();
    UserProcess process =
        run(
            1,
            "local-cluster[1,4,2048]",
            with(TWO_EXECUTORS, "spark.worker.resource.gpu.discoveryScript=" + script));
    assertThat(process.output()).isEmpty();
    assertThat(process.errors())
        .contains("[LLAMA4_BACKEND_UNAVAILABLE]")
        .containsPattern("The device address \\[[67]] names no device; addresses \\[[67]]")
        .contains("CUDA_VISIBLE_DEVICES [2,0]")
        .contains("device 0 (Emulated device 2", "device 1 (Emulated device 0")
        .contains("spark.executor.resource.gpu.discoveryScript");
  }
}
