package io.sparkllama4.benchmarks.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostBenchmarkTest {
  private static final int TOKENS = 20;

  @TempDir static Path checkpoints = Path.of("");

  private static String run(String... more) {
    Path emulator =
        Path.of(
            System.getProperty("sparkllama4.root"),
            "spark-llama4/target/cuda-emulator/libcuda-emulated.so");
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    String[] shared = {
      "--emulator=" + emulator,
      "--preset-dir=" + checkpoints,
      "--sequences=3",
      "--prompt=2",
      "--tokens=" + TOKENS,
      "--warm-up=0",
      "--rounds=2"
    };
    int status =
        HostBenchmark.run(
            new PrintStream(printed, true, StandardCharsets.UTF_8),
            Stream.of(shared, more).flatMap(Stream::of).toArray(String[]::new));
    assertThat(status).isZero();
    return printed.toString(StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @ValueSource(strings = {"greedy", "sampled"})
  void documentTakesStepsApart(String sampling) throws IOException {
    String line = sampling.equals("sampled") ? run("--json", "--sampled") : run("--json");
    assertThat(line.lines()).hasSize(1);
    JsonNode document = new ObjectMapper().readTree(line);
    assertThat(document.path("schema").textValue()).isEqualTo("spark-llama4.bench-host.v1");
    assertThat(document.path("sampling").textValue()).isEqualTo(sampling);
    assertThat(document.path("cpu").path("name").isTextual()).isTrue();
    assertThat(document.path("sequences").intValue()).isEqualTo(3);
    JsonNode steps = document.path("steps");
    // A step for the prompts; one that runs plainly, one that is recorded, in the first round.
    assertThat(steps.path("other").intValue()).isEqualTo(2);
    assertThat(steps.path("plain").intValue()).isEqualTo(1);
    assertThat(steps.path("recorded").intValue()).isEqualTo(1);
    assertThat(steps.path("played").intValue()).isEqualTo(2 * (TOKENS - 1) - 2);
    JsonNode host = document.path("host_ms");
    double median = host.path("median").doubleValue();
    assertThat(median).isBetween(host.path("least").doubleValue(), host.path("p90").doubleValue());
    assertThat(host.path("least").doubleValue()).isPositive();
    assertThat(host.path("backend_median").doubleValue()).isPositive();
    assertThat(host.path("engine_median").doubleValue()).isPositive();
    assertThat(document.path("driver_ms").doubleValue()).isPositive();
    assertThat(document.path("host_us_per_sequence").doubleValue())
        .isCloseTo(1000 * median / 3, within(1e-6));
    double stepMillis = document.path("roofline").path("step_ms").doubleValue();
    assertThat(stepMillis).isBetween(4.0, 5.0);
    assertThat(document.path("share_of_roofline").doubleValue())
        .isCloseTo(median / stepMillis, within(1e-9));
  }

  @Test
  void textNamesTheCostOfASequence() {
    assertThat(run()).contains("us a sequence").contains("of the 4.3 ms that the roofline gives");
  }
}
