package io.sparkllama4.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sparkllama4.golden.EmulatedGpu;
import io.sparkllama4.tensor.NativeArena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// `gpu-selftest` on the emulated driver: its document, what it skips, how it fails.
@Timeout(300)
class GpuSelfTestCommandTest {
  private static final String[] PARTS = {"driver", "kernels", "speed", "end_to_end"};
  private static final int INVALID_VALUE = 1;

  @TempDir static Path presets = Path.of("");

  @AfterEach
  void nothingIsLeft() {
    EmulatedGpu.forget();
    assertThat(NativeArena.openBytes()).isZero();
  }

  private static CommandRun run(String... more) {
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of("gpu-selftest", "--preset-dir", presets.toString()));
    arguments.addAll(Arrays.asList(more));
    return CommandRun.of(arguments.toArray(String[]::new));
  }

  /// The names of a part's checks that ended so.
  private static List<String> names(JsonNode document, String part, String status) {
    List<String> names = new ArrayList<>();
    for (JsonNode check : document.at("/parts/" + part)) {
      if (check.get("status").textValue().equals(status)) {
        names.add(check.get("name").textValue());
      }
    }
    return names;
  }

  private static void checkForm(JsonNode document) {
    assertThat(CommandRun.names(document))
        .containsExactly(
            "schema",
            "version",
            "commit",
            "date",
            "load_before",
            "cpu",
            "card",
            "data_sheet",
            "driver",
            "compute_capability",
            "emulated",
            "attributes",
            "parts",
            "passed",
            "failed",
            "skipped",
            "seconds");
    assertThat(document.get("schema").textValue()).isEqualTo("spark-llama4.gpu-selftest.v1");
    assertThat(document.get("card").textValue()).isEqualTo("Emulated device 0");
    assertThat(document.get("data_sheet").isNull()).isTrue();
    assertThat(document.get("compute_capability").textValue()).isEqualTo("9.0");
    assertThat(document.get("emulated").booleanValue()).isTrue();
    assertThat(document.at("/attributes/memory_bytes").longValue()).isPositive();
    assertThat(CommandRun.names(document.get("parts"))).containsExactly(PARTS);
    for (String status : new String[] {"passed", "failed", "skipped"}) {
      int count = 0;
      for (String part : PARTS) {
        count += names(document, part, status).size();
      }
      assertThat(document.get(status).intValue()).as(status).isEqualTo(count);
    }
    for (String part : PARTS) {
      for (JsonNode check : document.at("/parts/" + part)) {
        assertThat(CommandRun.names(check))
            .containsExactly("name", "status", "seconds", "found", "figures");
        assertThat(check.get("found").textValue()).isNotBlank();
      }
    }
  }

  @Test
  void driverAndModelsPass() {
    EmulatedGpu emulated = EmulatedGpu.fresh(2, 0);
    CommandRun run = run("--json", "--parts", "driver,end_to_end,speed");
    JsonNode document = run.document();
    checkForm(document);
    assertThat(run.status()).as(run.output()).isZero();
    assertThat(document.get("failed").intValue()).isZero();
    assertThat(names(document, "driver", "passed")).hasSize(16).contains("graphs", "peer_copies");
    assertThat(document.at("/parts/kernels")).isEmpty();
    assertThat(names(document, "speed", "skipped")).containsExactly("all");
    assertThat(document.at("/parts/speed/0/found").textValue()).contains("--speed on");
    assertThat(names(document, "end_to_end", "passed"))
        .containsExactly("answers_as_the_processor", "same_bits_alone_and_with_others");
    assertThat(names(document, "end_to_end", "skipped")).containsExactly("speed");
    assertThat(emulated.allocations()).isZero();
  }

  @Test
  @Tag("full")
  void everyCheckPasses() {
    EmulatedGpu emulated = EmulatedGpu.fresh(2, 1);
    CommandRun run = run("--json", "--speed", "on");
    JsonNode document = run.document();
    checkForm(document);
    assertThat(run.status()).as(run.output()).isZero();
    assertThat(document.get("failed").intValue()).isZero();
    assertThat(document.get("skipped").intValue()).as(run.output()).isZero();
    JsonNode kernels = document.at("/parts/kernels");
    JsonNode coverage = kernels.get(kernels.size() - 1);
    assertThat(coverage.get("name").textValue()).isEqualTo("all_kernels");
    assertThat(coverage.at("/figures/kernels").intValue()).isGreaterThan(50);
    for (JsonNode check : document.at("/parts/speed")) {
      assertThat(check.at("/figures/gb_per_s").doubleValue()).isPositive();
      // The others stand beside the copy.
      boolean isCopy = check.get("name").textValue().equals("copy");
      assertThat(check.at("/figures").has("share_of_copy")).isEqualTo(!isCopy);
    }
    assertThat(names(document, "end_to_end", "passed"))
        .contains("tiny_bf16_prefill_16", "tiny_int4_decode_2");
    assertThat(document.at("/parts/end_to_end/2/figures/tokens_per_s").doubleValue()).isPositive();
    assertThat(emulated.allocations()).isZero();
  }

  @Test
  void aCheckThatFailsFailsTheCommand() {
    EmulatedGpu emulated = EmulatedGpu.fresh(1, 0);
    emulated.fail("cuStreamWaitEvent", 1, INVALID_VALUE);
    CommandRun run = run("--parts", "driver");
    assertThat(run.status()).isEqualTo(1);
    assertThat(run.output())
        .contains("Emulated device 0", "14 passed, 1 failed, 1 skipped")
        .containsPattern("failed +events_order_streams .*cuStreamWaitEvent")
        .containsPattern("skipped +peer_copies .*there is one device");
    assertThat(run.progress()).contains("driver: ");
    assertThat(emulated.allocations()).isZero();
  }

  @Test
  void whatDoesNotFitIntoTheTimeIsSkipped() {
    EmulatedGpu.fresh(1, 0);
    CommandRun run = run("--json", "--seconds", "1", "--parts", "kernels,end_to_end");
    assertThat(run.status()).isZero();
    JsonNode document = run.document();
    checkForm(document);
    List<String> skipped = names(document, "kernels", "skipped");
    assertThat(skipped).contains("all_kernels", "attention_fp8_128_chunk_0_rounded");
    assertThat(names(document, "end_to_end", "passed")).isEmpty();
    assertThat(document.at("/parts/end_to_end/0/found").textValue()).contains("--seconds");
  }

  @Test
  void hostsWithoutGpuSayWhatWasTried() {
    CommandRun run = run("--json");
    assertThat(run.status()).isEqualTo(1);
    JsonNode error = run.error();
    assertThat(error.get("code").textValue()).isEqualTo("BACKEND_UNAVAILABLE");
    assertThat(error.get("message").textValue()).contains("libcuda.so.1");
    assertThat(error.get("key").textValue()).isEqualTo("spark.llama4.cuda.library");
  }

  @Test
  void devicesThatAreNotThereAreRefused() {
    EmulatedGpu.fresh(1, 0);
    CommandRun run = run("--json", "--device", "3");
    assertThat(run.status()).isEqualTo(1);
    assertThat(run.error().get("code").textValue()).isEqualTo("BACKEND_UNAVAILABLE");
    assertThat(run.error().get("message").textValue()).contains("[3] names no device");
    assertThat(run.error().get("key").textValue()).isEqualTo("--device");
  }

  @ParameterizedTest
  @CsvSource({
    "--parts,driver;gpu,end_to_end",
    "--speed,maybe,auto",
    "--seconds,0,at least 1",
  })
  void wrongValuesAreRefused(String option, String value, String allowed) {
    CommandRun run = run("--json", option, value);
    assertThat(run.status()).isEqualTo(2);
    assertThat(run.error().get("key").textValue()).isEqualTo(option);
    assertThat(run.error().get("expected").textValue()).contains(allowed);
  }
}
