package io.sparkllama4.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.sparkllama4.golden.EmulatedGpu;
import io.sparkllama4.golden.Oracle;
import io.sparkllama4.tensor.NativeArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// `bench` on a tiny checkpoint: what it counts and says, not how fast anything is.
class BenchCommandTest {
  @TempDir static Path presets = Path.of("");

  @AfterEach
  void nothingIsLeft() {
    assertThat(NativeArena.openBytes()).isZero();
  }

  private static CommandRun tiny(String... more) {
    List<String> arguments = new ArrayList<>();
    arguments.addAll(
        List.of("bench", "--preset", "tiny", "--preset-dir", presets.toString(), "--threads", "2"));
    arguments.addAll(List.of("--prompt", "8", "--tokens", "3", "--repeat", "2"));
    arguments.addAll(List.of(more));
    return CommandRun.of(arguments.toArray(String[]::new));
  }

  private static JsonNode document(CommandRun run) {
    assertThat(run.status()).as(run.output() + run.progress()).isZero();
    assertThat(run.output().lines()).hasSize(1);
    return run.document();
  }

  private static List<String> cases(JsonNode document) {
    List<String> names = new ArrayList<>();
    for (JsonNode entry : document.get("cases")) {
      names.add(entry.get("case").textValue() + " " + entry.get("n").intValue());
    }
    return names;
  }

  @Test
  void prefillAndDecodeStandBesideCeilings() {
    JsonNode document = document(tiny("--prefill", "5,40", "--decode", "1,3", "--json"));

    assertThat(document.get("peer").textValue()).isEqualTo("spark-llama4");
    assertThat(document.get("model").textValue()).isEqualTo("tiny");
    assertThat(document.get("threads").intValue()).isEqualTo(2);
    assertThat(document.at("/backend/name").textValue()).isEqualTo("cpu");
    assertThat(document.at("/cpu/name").isTextual()).isTrue();
    assertThat(CommandRun.names(document.at("/cpu/flags"))).contains("avx2", "avx512_bf16");
    assertThat(CommandRun.names(document.get("ceilings")))
        .containsExactly("fp32_gflops", "bf16_gflops", "int8_gops", "int4_gops", "read_gb_per_s");
    assertThat(document.at("/ceilings/fp32_gflops").doubleValue()).isPositive();
    assertThat(document.get("peak_rss_mib").longValue()).isPositive();
    long weights = document.at("/memory/weight_bytes").longValue();
    long mapped = document.at("/memory/mapped_weight_bytes").longValue();
    long anonymous = document.at("/memory/peak_anonymous_bytes").longValue();
    assertThat(mapped).isPositive().isLessThan(weights);
    assertThat(anonymous).isGreaterThan(weights - mapped);
    assertThat(document.at("/memory/peak_rss_bytes").longValue()).isGreaterThan(anonymous);
    assertThat(cases(document)).containsExactly("prefill 5", "prefill 40", "decode 1", "decode 3");
    for (JsonNode entry : document.get("cases")) {
      assertThat(entry.get("tokens_per_s")).hasSize(2).allMatch(speed -> speed.doubleValue() > 0);
      assertThat(entry.get("median").doubleValue()).isPositive();
      assertThat(entry.get("share_of_ceiling").doubleValue()).isPositive();
      assertThat(entry.get("gb_per_s").isNumber()).isTrue();
      assertThat(entry.get("gb_per_s").doubleValue()).isPositive();
      assertThat(entry.get("ceiling").textValue()).isIn("fp32", "bf16", "int8", "read");
    }
  }

  @Test
  void rowsAnswerTheSameWithTheirPrefixOnceAndPerRow() {
    JsonNode document =
        document(
            tiny(
                "--prefill",
                "",
                "--decode",
                "",
                "--rows",
                "6",
                "--shared-prefix",
                "40",
                "--own",
                "5",
                "--out",
                "3",
                "--row-batch",
                "2",
                "--ceilings",
                "false",
                "--json"));

    assertThat(cases(document)).containsExactly("rows_prefix_per_row 6", "rows_prefix_once 6");
    for (JsonNode entry : document.get("cases")) {
      assertThat(entry.get("tokens_per_s")).hasSize(1);
      assertThat(entry.get("prompt_tokens").intValue()).isEqualTo(6 * 45);
      assertThat(entry.get("same_answer_as_per_row").intValue()).isEqualTo(6);
      assertThat(entry.get("same_first_token_as_per_row").intValue()).isEqualTo(6);
      assertThat(entry.get("share_of_ceiling").isNull()).isTrue();
    }
    assertThat(document.at("/cases/0/cached_tokens").intValue()).isZero();
    assertThat(document.at("/ceilings/fp32_gflops").isNull()).isTrue();
  }

  private static JsonNode classified(String prefixCache) {
    return document(
        tiny(
            "--prefill",
            "",
            "--decode",
            "",
            "--classify",
            "5",
            "--shared-prefix",
            "20",
            "--own",
            "5",
            "--ceilings",
            "false",
            "--prefix-cache",
            prefixCache,
            "--row-repeat",
            "3",
            "--json"));
  }

  @Test
  void scoredLabelsAreThoseOfExhaustiveScoring() {
    JsonNode document = classified("off");

    assertThat(cases(document)).containsExactly("classify_by_generation_per_row 5", "classify 5");
    JsonNode scored = document.get("cases").get(1);
    assertThat(scored.get("checked_rows").intValue()).isEqualTo(5);
    assertThat(scored.get("same_label_as_exhaustive").intValue()).isEqualTo(5);
    double speed = scored.get("median").doubleValue();
    assertThat(scored.get("rows_per_s").doubleValue()).isEqualTo(speed / 25);
    assertThat(scored.get("rows_per_s_ratio_to")).hasSize(1);
  }

  @Test
  void classificationStandsBesideGenerationWithAndWithoutReuse() {
    JsonNode cases = classified("on").get("cases");
    JsonNode perRow = cases.get(0);
    JsonNode once = cases.get(1);
    JsonNode scored = cases.get(2);

    assertThat(perRow.get("case").textValue()).isEqualTo("classify_by_generation_per_row");
    assertThat(once.get("case").textValue()).isEqualTo("classify_by_generation");
    assertThat(scored.get("case").textValue()).isEqualTo("classify");
    // Four tokens of a label behind every prompt; the fifth output token is never computed.
    assertThat(perRow.get("computed_tokens").intValue()).isEqualTo(5 * (25 + 4));
    // Blocks of 16 tokens are shared.
    assertThat(once.get("computed_tokens").intValue()).isEqualTo(5 * (25 + 4) - 4 * 16);
    assertThat(scored.get("computed_tokens").intValue()).isBetween(5 * 25 - 4 * 16, 245 - 4 * 16);
    JsonNode ratios = scored.get("rows_per_s_ratio_to");
    assertThat(ratios).hasSize(2);
    for (JsonNode other : List.of(perRow, once)) {
      List<Double> rounds = new ArrayList<>();
      for (int round = 0; round < 3; round++) {
        rounds.add(
            scored.get("tokens_per_s").get(round).doubleValue()
                / other.get("tokens_per_s").get(round).doubleValue());
      }
      Collections.sort(rounds);
      assertThat(ratios.get(other.get("case").textValue()).doubleValue())
          .isCloseTo(rounds.get(1), within(1e-9));
    }
  }

  @Test
  void aMadeCheckpointIsKeptAndTakenAgain() throws IOException {
    document(tiny("--prefill", "2", "--decode", "", "--ceilings", "false", "--json"));
    FileTime made = Files.getLastModifiedTime(weights());
    CommandRun second = tiny("--prefill", "2", "--decode", "", "--ceilings", "false", "--load");

    assertThat(second.status()).isZero();
    assertThat(Files.getLastModifiedTime(weights())).isEqualTo(made);
    assertThat(second.progress()).doesNotContain("Making a checkpoint");
    assertThat(second.output()).contains("Loading", "prefill", "tokens/s", "Peak memory");
  }

  private static Path weights() throws IOException {
    try (Stream<Path> files = Files.walk(presets)) {
      List<Path> found = files.filter(f -> f.endsWith("model.safetensors")).toList();
      assertThat(found).hasSize(1);
      return found.getFirst();
    }
  }

  @Test
  void anyCheckpointCanBeMeasured() {
    String model = Oracle.named("scout").directory().toString();
    JsonNode document =
        document(
            CommandRun.of(
                "bench",
                "--json",
                "--model",
                model,
                "--prefill",
                "4",
                "--decode",
                "2",
                "--prompt",
                "4",
                "--tokens",
                "2",
                "--repeat",
                "1",
                "--ceilings",
                "false"));

    assertThat(cases(document)).containsExactly("prefill 4", "decode 2");
  }

  @Test
  void aDeviceHasNoCeilingsHere() {
    EmulatedGpu emulated = EmulatedGpu.fresh(1, 0);
    try {
      JsonNode document =
          document(
              tiny(
                  "--backend",
                  "cuda",
                  "--prefill",
                  "5",
                  "--decode",
                  "",
                  "--kv-tokens",
                  "256",
                  "--json"));
      assertThat(document.at("/backend/name").textValue()).isEqualTo("cuda");
      assertThat(document.at("/ceilings/fp32_gflops").isNull()).isTrue();
      assertThat(document.at("/cases/0/share_of_ceiling").isNull()).isTrue();
      assertThat(document.at("/cases/0/median").doubleValue()).isPositive();
      assertThat(emulated.allocations()).isZero();
    } finally {
      EmulatedGpu.forget();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "--decode,300,at most 256",
    "--prefill,0,at least 1",
    "--prefill,many,integers",
    "--tokens,0,at least 1",
    "--rows,-1,at least 0",
    "--preset,model-x,model-s",
  })
  void wrongValuesAreRefused(String option, String value, String allowed) {
    CommandRun run = CommandRun.of("bench", "--json", option, value);

    assertThat(run.status()).isEqualTo(2);
    assertThat(run.error().get("key").textValue()).isEqualTo(option);
    assertThat(run.error().get("expected").textValue()).contains(allowed);
  }

  @Test
  void aCacheThatIsTooSmallForAllSequencesIsSaid() {
    CommandRun run = tiny("--json", "--prefill", "", "--decode", "8", "--kv-tokens", "64");

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.error().get("code").textValue()).isEqualTo("NOT_ENOUGH_MEMORY");
    assertThat(run.error().get("key").textValue()).isEqualTo("--kv-tokens");
  }
}
