package io.sparkllama4.clients;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The same queries give the same rows from every client, with the published jar, where the
/// machine's `java` is an older one and JAVA_HOME says where JDK 25 is.
@Tag("full")
class ClientsTest {
  private static final Path ROOT = Path.of(System.getProperty("sparkllama4.root"));
  private static final String PLUGIN = "spark.plugins=io.sparkllama4.plugin.Llama4Plugin";
  private static final String EXTENSION =
      "spark.sql.extensions=io.sparkllama4.udfs.Llama4Extensions";
  private static final String MODEL =
      "spark.llama4.model=" + ROOT.resolve("examples/models/tickets");

  @TempDir private static Path scratch = Path.of("");

  private static Map<String, List<List<String>>> expected = Map.of();

  @BeforeAll
  static void askInThisProcess() throws IOException, InterruptedException {
    Distribution.install();
    SparkSession session =
        SparkSession.builder()
            .master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.warehouse.dir", scratch.resolve("warehouse").toUri().toString())
            .config("spark.sql.extensions", "io.sparkllama4.udfs.Llama4Extensions")
            .config("spark.plugins", "io.sparkllama4.plugin.Llama4Plugin")
            .config("spark.llama4.model", ROOT.resolve("examples/models/tickets").toString())
            .getOrCreate();
    try {
      expected = Queries.answers(session);
    } finally {
      session.stop();
    }
    assertThat(expected).hasSizeGreaterThanOrEqualTo(20);
    assertThat(expected).allSatisfy((name, rows) -> assertThat(rows).as(name).isNotEmpty());
  }

  @Test
  void pySparkClassic() throws IOException, InterruptedException {
    Path folder = scratch.resolve("classic");
    Path answers = scratch.resolve("classic.json");
    String jar = Distribution.jar().toString();
    UserProcess.run(
        folder,
        environment(),
        0,
        submit(
            List.of("--jars", jar, "--py-files", jar),
            List.of(EXTENSION, PLUGIN, MODEL),
            List.of(ROOT.resolve("src/test/python/clients.py").toString()),
            pythonArguments(answers)));
    checkPython(answers);
  }

  /// The server has the plugin alone, which brings the functions; the client has nothing but
  /// Python.
  @Test
  void pythonOverSparkConnect() throws IOException, InterruptedException {
    int port = UserProcess.freePort();
    List<String> conf =
        List.of(
            PLUGIN,
            MODEL,
            "spark.connect.grpc.binding.address=127.0.0.1",
            "spark.connect.grpc.binding.port=" + port);
    Path answers = scratch.resolve("connect.json");
    try (UserProcess server =
        UserProcess.start(
            scratch.resolve("connect-server"),
            environment(),
            submit(
                List.of(
                    "--class",
                    "org.apache.spark.sql.connect.service.SparkConnectServer",
                    "--jars",
                    Distribution.jar().toString()),
                conf,
                List.of("spark-internal"),
                List.of()))) {
      server.awaitPort(port);
      Map<String, String> environment = new HashMap<>(environment());
      // No Java on this side.
      environment.put("JAVA_HOME", scratch.toString());
      environment.put("PYTHONPATH", ROOT.resolve("udfs/src/main/python").toString());
      List<String> client = new ArrayList<>();
      client.add(spark().python());
      client.add(ROOT.resolve("src/test/python/clients.py").toString());
      client.addAll(pythonArguments(answers));
      client.add("sc://127.0.0.1:" + port);
      UserProcess.run(scratch.resolve("connect-client"), environment, 0, client);
    }
    checkPython(answers);
  }

  /// The jar by its coordinates, from a Maven repository that is a directory, and no other.
  @Test
  void sparkSqlWithPackages() throws IOException, InterruptedException {
    Path jar = Distribution.jar();
    String version =
        jar.getFileName().toString().replaceAll("spark-llama4_2\\.13-(.*)\\.jar", "$1");
    Path repository = scratch.resolve("repository");
    Path place = repository.resolve("io/sparkllama4/spark-llama4_2.13").resolve(version);
    Files.createDirectories(place);
    Files.copy(jar, place.resolve(jar.getFileName()));
    Files.copy(
        jar.resolveSibling(".flattened-pom.xml"),
        place.resolve("spark-llama4_2.13-" + version + ".pom"));
    Path settings = scratch.resolve("ivysettings.xml");
    Files.writeString(
        settings,
        """
        <ivysettings>
          <settings defaultResolver="directory"/>
          <resolvers><ibiblio name="directory" m2compatible="true" root="%s"/></resolvers>
        </ivysettings>
        """
            .formatted(repository.toUri()));
    Path script = Files.writeString(scratch.resolve("queries.sql"), Queries.script());
    List<String> command = new ArrayList<>();
    command.add(spark().command("spark-sql"));
    command.addAll(
        List.of(
            "--packages", "io.sparkllama4:spark-llama4_2.13:" + version, "--master", "local[2]"));
    List<String> conf =
        List.of(
            EXTENSION,
            PLUGIN,
            MODEL,
            "spark.jars.ivySettings=" + settings,
            "spark.jars.ivy=" + scratch.resolve("ivy"));
    addConf(command, conf);
    command.addAll(List.of("-f", script.toString()));
    UserProcess ended = UserProcess.run(scratch.resolve("spark-sql"), environment(), 0, command);
    assertThat(Queries.printed(ended.output())).isEqualTo(expected);
  }

  @Test
  void beelineOverTheThriftServer() throws IOException, InterruptedException {
    int port = UserProcess.freePort();
    Path script = Files.writeString(scratch.resolve("beeline.sql"), Queries.script());
    try (UserProcess server =
        UserProcess.start(
            scratch.resolve("thrift-server"),
            environment(),
            submit(
                List.of(
                    "--class",
                    "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2",
                    "--jars",
                    Distribution.jar().toString()),
                List.of(EXTENSION, PLUGIN, MODEL),
                List.of("spark-internal"),
                List.of(
                    "--hiveconf",
                    "hive.server2.thrift.port=" + port,
                    "--hiveconf",
                    "hive.server2.thrift.bind.host=127.0.0.1")))) {
      server.awaitPort(port);
      UserProcess ended =
          UserProcess.run(
              scratch.resolve("beeline"),
              environment(),
              0,
              List.of(
                  spark().command("beeline"),
                  "-u",
                  "jdbc:hive2://127.0.0.1:" + port,
                  "--silent=true",
                  "--showHeader=false",
                  "--outputformat=tsv2",
                  "-f",
                  script.toString()));
      assertThat(Queries.printed(ended.output())).isEqualTo(expected);
    }
  }

  private static Distribution spark() throws IOException, InterruptedException {
    return Distribution.install();
  }

  private static Map<String, String> environment() throws IOException, InterruptedException {
    return spark().environment(scratch.resolve("conf"));
  }

  private static List<String> submit(
      List<String> options, List<String> conf, List<String> program, List<String> arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(spark().command("spark-submit")));
    command.addAll(List.of("--master", "local[2]"));
    command.addAll(options);
    addConf(command, conf);
    command.addAll(program);
    command.addAll(arguments);
    return command;
  }

  private static void addConf(List<String> command, List<String> conf) {
    List<String> all = new ArrayList<>(conf);
    all.add("spark.ui.enabled=false");
    all.add("spark.ui.showConsoleProgress=false");
    all.add("spark.sql.shuffle.partitions=2");
    all.forEach(setting -> command.addAll(List.of("--conf", setting)));
  }

  private static List<String> pythonArguments(Path answers) {
    return List.of(Queries.FILE.toString(), Queries.VIEW.toString(), answers.toString());
  }

  /// The queries as text give what they must, and as columns what they give as text.
  private static void checkPython(Path file) throws IOException {
    JsonNode answers = new ObjectMapper().readTree(file.toFile());
    assertThat(rows(answers.get("queries"))).isEqualTo(expected);
    Map<String, List<List<String>>> columns = rows(answers.get("columns"));
    assertThat(columns).hasSizeGreaterThan(5);
    assertThat(expected).containsAllEntriesOf(columns);
  }

  private static Map<String, List<List<String>>> rows(JsonNode answers) {
    Map<String, List<List<String>>> byName = new TreeMap<>();
    answers
        .properties()
        .forEach(
            entry -> {
              List<List<String>> rows = new ArrayList<>();
              for (JsonNode row : entry.getValue()) {
                List<String> cells = new ArrayList<>();
                row.forEach(cell -> cells.add(cell.isNull() ? "NULL" : cell.textValue()));
                rows.add(cells);
              }
              byName.put(entry.getKey(), rows);
            });
    return byName;
  }
}
