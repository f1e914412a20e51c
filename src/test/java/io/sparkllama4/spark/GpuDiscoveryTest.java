package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What `conf/gpus.sh` tells Spark of a host.
class GpuDiscoveryTest {
  private static final Path SCRIPT =
      Path.of(System.getProperty("sparkllama4.root"), "conf/gpus.sh");

  private record Told(String output, String errors) {}

  @TempDir Path folder;
  private Path tools;

  /// Only these are on the PATH of the script, whatever this host has.
  @BeforeEach
  void linkTools() throws IOException {
    tools = Files.createDirectory(folder.resolve("tools"));
    for (String tool : new String[] {"grep", "tr"}) {
      Path found =
          Stream.of(System.getenv("PATH").split(File.pathSeparator, -1))
              .map(path -> Path.of(path, tool))
              .filter(Files::isExecutable)
              .findFirst()
              .orElseThrow();
      Files.createSymbolicLink(tools.resolve(tool), found);
    }
  }

  private void nvidiaSmi(String body) throws IOException {
    Path program = tools.resolve("nvidia-smi");
    Files.writeString(program, "#!/bin/sh\n" + body + "\n");
    assertThat(program.toFile().setExecutable(true)).isTrue();
  }

  /// Runs it as Spark does, which wants the status 0.
  private Told run(Optional<String> visible) throws IOException, InterruptedException {
    Path output = folder.resolve("output.txt");
    Path errors = folder.resolve("errors.txt");
    ProcessBuilder builder =
        new ProcessBuilder(SCRIPT.toString())
            .redirectOutput(output.toFile())
            .redirectError(errors.toFile());
    builder.environment().put("PATH", tools.toString());
    builder.environment().remove("CUDA_VISIBLE_DEVICES");
    visible.ifPresent(devices -> builder.environment().put("CUDA_VISIBLE_DEVICES", devices));
    Process process = builder.start();
    try {
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("it has ended").isTrue();
    } finally {
      process.destroyForcibly();
    }
    Told told = new Told(Files.readString(output), Files.readString(errors));
    assertThat(process.exitValue()).as(told.errors()).isZero();
    return told;
  }

  private static String addresses(String list) {
    return "{\"name\": \"gpu\", \"addresses\": [" + list + "]}\n";
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "''; ''",
        "3; '\"0\"'",
        "3,1; '\"0\", \"1\"'",
        "GPU-8f3c,MIG-77aa,0; '\"0\", \"1\", \"2\"'",
        "-1; ''",
        "2,-1,0; '\"0\"'",
        "NoDevFiles; ''",
      })
  void countsWhatTheProcessMaySee(String visible, String expected)
      throws IOException, InterruptedException {
    nvidiaSmi("echo 'it was asked' >&2; exit 1");
    assertThat(run(Optional.of(visible))).isEqualTo(new Told(addresses(expected), ""));
  }

  @Test
  void asksTheDriversTool() throws IOException, InterruptedException {
    nvidiaSmi(
        """
        [ "$*" = --list-gpus ] || exit 2
        echo 'GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-5a1e0de1-cafe-4000-8000-000000000000)'
        echo '  MIG 1g.10gb Device 0: (UUID: MIG-5a1e0de1-cafe-4000-8000-000000000001)'
        echo 'GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-5a1e0de1-cafe-4000-8000-000000000002)'""");
    assertThat(run(Optional.empty())).isEqualTo(new Told(addresses("\"0\", \"1\""), ""));
  }

  @Test
  void aToolThatFailsIsSaid() throws IOException, InterruptedException {
    nvidiaSmi("echo 'NVIDIA-SMI has failed: no driver'; exit 9");
    Told told = run(Optional.empty());
    assertThat(told.output()).isEqualTo(addresses(""));
    assertThat(told.errors()).contains("NVIDIA-SMI has failed: no driver", "offers no GPU");
  }

  @Test
  void aHostWithoutTheToolHasNone() throws IOException, InterruptedException {
    Told told = run(Optional.empty());
    assertThat(told.output()).isEqualTo(addresses(""));
    assertThat(told.errors()).contains("nvidia-smi was not found");
  }
}
