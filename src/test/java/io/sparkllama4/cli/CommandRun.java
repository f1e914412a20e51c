package io.sparkllama4.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sparkllama4.cli.spark.Main;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// One call of the command line: how it ended and what it printed.
///
/// @param status the exit status
/// @param output standard output
/// @param progress standard error
public record CommandRun(int status, String output, String progress) {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  /// Runs the command that `args` name in this process.
  public static CommandRun of(String... args) {
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    ByteArrayOutputStream progress = new ByteArrayOutputStream();
    int status = Main.execute(new Console(output, progress), args);
    return new CommandRun(
        status, output.toString(StandardCharsets.UTF_8), progress.toString(StandardCharsets.UTF_8));
  }

  /// Runs the command that `args` name in a process of its own, as `bin/spark-llama4` starts it.
  ///
  /// @param files receives what it prints
  /// @param heap the largest heap, as in `512m`
  public static CommandRun ofProcess(Path files, String heap, String... args)
      throws IOException, InterruptedException {
    Path root = Path.of(System.getProperty("sparkllama4.root"));
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("@" + root.resolve("conf/jvm.flags"));
    command.add("-Xmx" + heap);
    command.add("-Dlog4j2.configurationFile=" + root.resolve("conf/log4j2.properties"));
    command.add("-cp");
    command.add(
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
    command.add(Main.class.getName());
    command.addAll(Arrays.asList(args));
    File output = files.resolve("output.txt").toFile();
    File progress = files.resolve("progress.txt").toFile();
    Process process =
        new ProcessBuilder(command).redirectOutput(output).redirectError(progress).start();
    try {
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("the process has ended").isTrue();
    } finally {
      process.destroyForcibly();
    }
    return new CommandRun(
        process.exitValue(),
        Files.readString(output.toPath()),
        Files.readString(progress.toPath()));
  }

  /// The one JSON document that standard output is.
  public JsonNode document() {
    assertThat(output).as("standard output; beside it: %s", progress).endsWith("}\n");
    try {
      return JSON.readTree(output);
    } catch (IOException e) {
      throw new UncheckedIOException(output, e);
    }
  }

  /// The document of a failure, checked to have the promised keys and no others.
  public JsonNode error() {
    JsonNode document = document();
    assertThat(names(document)).containsExactly("schema", "error");
    assertThat(document.get("schema").textValue()).isEqualTo("spark-llama4.error.v1");
    JsonNode error = document.get("error");
    assertThat(names(error))
        .containsExactly("code", "message", "file", "tensor", "found", "expected", "key");
    error.forEach(part -> assertThat(part.isTextual() || part.isNull()).isTrue());
    assertThat(error.get("code").isTextual()).isTrue();
    assertThat(error.get("message").textValue()).isNotBlank();
    assertThat(progress)
        .as("no stack trace without --debug")
        .doesNotContain("\tat ", "Exception in thread");
    return error;
  }

  /// The names in an object, in their order.
  public static List<String> names(JsonNode object) {
    List<String> names = new ArrayList<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }
}
