package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.plugin.Llama4Conf;
import io.sparkllama4.plugin.Llama4ConfKeys;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkConf;
import org.apache.spark.launcher.JavaModuleOptions;
import org.junit.jupiter.api.Test;

/// `conf/spark-defaults.conf.template` says what the code does: every key, its default, its values.
class ConfTemplateTest {
  private static final Path CONF = Path.of(System.getProperty("sparkllama4.root"), "conf");

  /// A line that sets a key, or shows its default.
  ///
  /// @param value what it is set to; empty where the user must say
  /// @param isActive whether it counts as it stands
  /// @param comment what is said above it
  private record Line(String value, boolean isActive, String comment) {}

  private static Map<String, Line> template() throws IOException {
    Map<String, Line> lines = new LinkedHashMap<>();
    StringBuilder comment = new StringBuilder();
    for (String text : Files.readAllLines(CONF.resolve("spark-defaults.conf.template"))) {
      boolean isActive = text.startsWith("spark.");
      if (isActive || text.startsWith("#spark.")) {
        String[] parts = text.substring(isActive ? 0 : 1).split("\\s+", 2);
        Line line =
            new Line(parts.length < 2 ? "" : parts[1].strip(), isActive, comment.toString());
        assertThat(lines.put(parts[0], line)).as("twice: %s", parts[0]).isNull();
      } else if (text.startsWith("# ")) {
        comment.append(text.substring(2)).append(' ');
      } else {
        assertThat(text).as("neither comment nor setting").isBlank();
        comment.setLength(0);
      }
    }
    return lines;
  }

  @Test
  void hasEveryKeyWithItsDefault() throws IOException {
    Map<String, String> documented = new LinkedHashMap<>();
    template()
        .forEach(
            (key, line) -> {
              if (key.startsWith(Llama4ConfKeys.PREFIX)
                  && !key.equals(Llama4ConfKeys.MODELS + "<alias>")) {
                documented.put(key, line.value());
              }
            });
    Map<String, String> known = new LinkedHashMap<>();
    Llama4ConfKeys.ALL.forEach(key -> known.put(key.name(), key.otherwise()));
    assertThat(documented).isEqualTo(known);
    assertThat(template()).containsKey(Llama4ConfKeys.MODELS + "<alias>");
  }

  @Test
  void saysOfEveryKeyWhatItDoesAndWhatItTakes() throws IOException {
    Map<String, List<String>> words =
        Map.of(
            Llama4ConfKeys.BACKEND, List.of("auto", "cpu", "cuda"),
            Llama4ConfKeys.KERNELS, List.of("auto", "scalar", "vector", "native"),
            Llama4ConfKeys.WEIGHTS, List.of("stored", "bf16", "int8", "int4"),
            Llama4ConfKeys.STRICT, List.of("true", "false"),
            Llama4ConfKeys.THREADS, List.of("1 or more", "0 for"),
            Llama4ConfKeys.PREFILL_CHUNK, List.of("1 or more", "0 for"),
            Llama4ConfKeys.KV_TOKENS, List.of("1 or more", "0 for"),
            Llama4ConfKeys.SEED, List.of("integer of 64 bits"));
    template().forEach((key, line) -> assertThat(line.comment()).as(key).hasSizeGreaterThan(30));
    Map<String, Line> lines = template();
    words.forEach(
        (key, values) ->
            values.forEach(
                value -> {
                  Line line = lines.get(key);
                  assertThat(line == null ? "" : line.comment()).as(key).contains(value);
                }));
  }

  @Test
  void itsDefaultsAreTakenAndChangeNothing() throws IOException {
    SparkConf conf = new SparkConf(false);
    template()
        .forEach(
            (key, line) -> {
              if (key.startsWith(Llama4ConfKeys.PREFIX) && !key.contains("<")) {
                conf.set(key, line.value());
              }
            });
    assertThat(Llama4Conf.of(conf)).isEqualTo(Llama4Conf.of(new SparkConf(false)));
  }

  @Test
  void groupsAreOfInt4Alone() {
    SparkConf conf = new SparkConf(false).set(Llama4ConfKeys.WEIGHTS_GROUP, "128");
    assertThatThrownBy(() -> Llama4Conf.of(conf))
        .isInstanceOfSatisfying(
            Llama4Exception.class,
            refused -> {
              assertThat(refused.code()).isEqualTo(ErrorCode.INVALID_OPTION);
              assertThat(refused.report().key()).isEqualTo(Llama4ConfKeys.WEIGHTS_GROUP);
              assertThat(refused.report().found()).isEqualTo("128");
              assertThat(refused.report().expected())
                  .contains("with " + Llama4ConfKeys.WEIGHTS + " int4", "stored");
            });
    assertThat(Llama4Conf.of(conf.set(Llama4ConfKeys.WEIGHTS, "int4")).runtime().int4Group())
        .isEqualTo(128);
    assertThat(
            Llama4Conf.of(new SparkConf(false).set(Llama4ConfKeys.WEIGHTS, "int4"))
                .runtime()
                .int4Group())
        .isEqualTo(32);
  }

  @Test
  void activatesTheExtensionAndThePluginAndNothingElse() throws Exception {
    Map<String, String> active = new LinkedHashMap<>();
    template()
        .forEach(
            (key, line) -> {
              if (line.isActive()) {
                active.put(key, line.value());
              }
            });
    assertThat(active).containsOnlyKeys("spark.sql.extensions", "spark.plugins");
    for (String name : active.values()) {
      assertThat(Class.forName(name).getConstructor().newInstance()).isNotNull();
    }
  }

  /// The template promises that Spark's launcher passes what `jvm.flags` holds.
  @Test
  void sparkPassesTheFlagsThatAreNeeded() throws IOException {
    List<String> needed = new ArrayList<>(Files.readAllLines(CONF.resolve("jvm.flags")));
    needed.removeIf(line -> line.startsWith("#") || line.isBlank());
    assertThat(needed)
        .contains("--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED");
    assertThat(Arrays.asList(JavaModuleOptions.defaultModuleOptionArray())).containsAll(needed);
  }
}
