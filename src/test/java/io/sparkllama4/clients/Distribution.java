package io.sparkllama4.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Spark as users install it, `pip install pyspark`, on a machine whose `java` is older than 25
/// where there is one, with the published jar.
final class Distribution {
  private static final Path ROOT = Path.of(System.getProperty("sparkllama4.root"));
  private static final Path VENV = ROOT.resolve("src/test/target/python");
  private static final Pattern JAVA_VERSION = Pattern.compile("JAVA_VERSION=\"(\\d+)");

  private final Path home;

  private Distribution(Path home) {
    this.home = home;
  }

  /// Installs it where it is not there yet.
  static Distribution install() throws InterruptedException, IOException {
    Path log = ROOT.resolve("src/test/target/python-log");
    UserProcess.run(
        log,
        Map.of(),
        0,
        List.of(ROOT.resolve("src/test/python/venv.sh").toString(), VENV.toString()));
    try (Stream<Path> versions = Files.list(VENV.resolve("lib"))) {
      return new Distribution(
          versions.findFirst().orElseThrow().resolve("site-packages").resolve("pyspark"));
    }
  }

  /// The jar that is published.
  static Path jar() throws IOException {
    Path folder = ROOT.resolve("src/jar/target");
    try (Stream<Path> files = Files.isDirectory(folder) ? Files.list(folder) : Stream.empty()) {
      List<Path> jars =
          files
              .filter(
                  file -> file.getFileName().toString().matches("spark-llama4_2\\.13-[^a-z]*.*jar"))
              .filter(file -> !file.toString().matches(".*-(sources|javadoc)\\.jar"))
              .toList();
      assertThat(jars).as("the jar that the module src/jar builds").hasSize(1);
      return jars.getFirst();
    }
  }

  /// The home of a Java that runs Spark but not this project, where the machine has one.
  static Optional<Path> olderJava() throws IOException {
    List<Path> homes = new ArrayList<>();
    for (String folder : System.getenv("PATH").split(File.pathSeparator, -1)) {
      Path java = Path.of(folder).resolve("java");
      if (Files.isExecutable(java)) {
        homes.add(java.toRealPath().resolve("../..").normalize());
      }
    }
    Path installed = Path.of("/usr/lib/jvm");
    if (Files.isDirectory(installed)) {
      try (Stream<Path> folders = Files.list(installed)) {
        folders.sorted().forEach(homes::add);
      }
    }
    for (Path home : homes) {
      Path release = home.resolve("release");
      if (Files.isReadable(release) && Files.isExecutable(home.resolve("bin/java"))) {
        Matcher version = JAVA_VERSION.matcher(Files.readString(release));
        if (version.find()
            && Integer.parseInt(version.group(1)) >= 17
            && Integer.parseInt(version.group(1)) < 25) {
          return Optional.of(home);
        }
      }
    }
    return Optional.empty();
  }

  /// A command of the distribution, such as `spark-submit`.
  String command(String name) {
    return home.resolve("bin").resolve(name).toString();
  }

  /// The Python of the distribution.
  String python() {
    return VENV.resolve("bin/python").toString();
  }

  /// What local clusters leave in an installed distribution.
  Path workFolder() {
    return home.resolve("work");
  }

  /// The environment of a user who has followed the documentation: JAVA_HOME is a JDK 25.
  ///
  /// @param conf a directory of the test's, so that no configuration of this machine counts
  Map<String, String> environment(Path conf) throws IOException {
    Map<String, String> environment = untoldEnvironment(conf);
    environment.put("JAVA_HOME", System.getProperty("java.home"));
    return environment;
  }

  /// The environment of a user who has not: `java` is what the machine has.
  Map<String, String> untoldEnvironment(Path conf) throws IOException {
    Map<String, String> environment = new TreeMap<>();
    String path = VENV.resolve("bin") + File.pathSeparator + System.getenv("PATH");
    Optional<Path> older = olderJava();
    environment.put(
        "PATH", older.isPresent() ? older.get().resolve("bin") + File.pathSeparator + path : path);
    environment.put("JAVA_HOME", "");
    environment.put("SPARK_HOME", home.toString());
    Files.createDirectories(conf);
    String log = "log4j2.properties";
    Files.copy(
        ROOT.resolve("conf").resolve(log), conf.resolve(log), StandardCopyOption.REPLACE_EXISTING);
    environment.put("SPARK_CONF_DIR", conf.toString());
    environment.put("SPARK_LOCAL_IP", "127.0.0.1");
    environment.put("SPARK_LOCAL_HOSTNAME", "localhost");
    environment.put("PYSPARK_PYTHON", python());
    environment.put("PYTHONDONTWRITEBYTECODE", "1");
    return environment;
  }
}
