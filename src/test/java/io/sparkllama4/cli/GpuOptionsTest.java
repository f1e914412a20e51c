package io.sparkllama4.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.golden.EmulatedGpu;
import io.sparkllama4.golden.Oracle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Options on a machine that has an emulated GPU: what a device cannot do is refused, never
/// ignored.
class GpuOptionsTest {
  private static final String MODEL = Oracle.named("scout").directory().toString();

  private EmulatedGpu emulated = EmulatedGpu.fresh(1, 0);

  @TempDir private Path directory;

  @BeforeEach
  void oneDevice() {
    emulated = EmulatedGpu.fresh(1, 0);
  }

  @AfterEach
  void nothingIsLeft() {
    assertThat(emulated.allocations()).isZero();
    EmulatedGpu.forget();
  }

  private static CommandRun generate(String... more) {
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of("generate", "--json", "--model", MODEL, "--ids", "1,2,3"));
    arguments.addAll(List.of("--max-tokens", "3", "--kv-tokens", "64"));
    arguments.addAll(List.of(more));
    return CommandRun.of(arguments.toArray(String[]::new));
  }

  @ParameterizedTest
  @CsvSource({"auto", "bf16", "fp8"})
  void keysAndValuesInTheTypesOfTheDevice(String type) {
    CommandRun run = generate("--backend", "auto", "--kv-dtype", type);
    assertThat(run.status()).as(run.output()).isZero();
    assertThat(run.document().at("/backend/name").textValue()).isEqualTo("cuda");
    assertThat(run.document().at("/results/0/completion_ids")).hasSize(3);
  }

  @ParameterizedTest
  @CsvSource({"cuda,f32,'auto, bf16, fp8'", "cpu,fp8,'auto, f32'", "cpu,bf16,'auto, f32'"})
  void typesOfAnotherBackendAreRefused(String backend, String type, String allowed) {
    CommandRun run = generate("--backend", backend, "--kv-dtype", type);
    assertThat(run.status()).as(run.output()).isEqualTo(1);
    assertThat(run.error().get("code").textValue()).isEqualTo("UNSUPPORTED_FEATURE");
    assertThat(run.error().get("key").textValue()).isEqualTo("--kv-dtype");
    assertThat(run.error().get("found").textValue()).isEqualTo(type);
    assertThat(run.error().get("expected").textValue()).contains(allowed);
  }

  @Test
  void aCacheOfPackedWeightsIsRefused() throws Exception {
    CommandRun run = generate("--backend", "cuda", "--weights-cache", directory.toString());
    assertThat(run.status()).as(run.output()).isEqualTo(1);
    assertThat(run.error().get("code").textValue()).isEqualTo("UNSUPPORTED_FEATURE");
    assertThat(run.error().get("key").textValue()).isEqualTo("--weights-cache");
    try (var files = Files.list(directory)) {
      assertThat(files).isEmpty();
    }
  }
}
