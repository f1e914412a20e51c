package io.sparkllama4.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sparkllama4.golden.Oracle;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What the command prints for a row is the same, byte for byte, whatever the batching; and the
/// statistics tell what really happened.
class StrictCommandTest {
  private static final int ROWS = 10;

  @TempDir Path folder;

  /// Rows of many lengths: greedy, seeded, sampled without a seed, with penalties and stops.
  private static List<String> lines() {
    List<String> lines = new ArrayList<>();
    for (int row = 0; row < ROWS; row++) {
      int[] ids = new Random(row).ints(2 + row * 7 % 33, 0, 380).toArray();
      String kind =
          switch (row % 4) {
            case 0 -> ",\"temperature\":1.0,\"seed\":" + row;
            case 1 -> "";
            case 2 -> ",\"temperature\":0.7,\"top_p\":0.9,\"repetition_penalty\":1.1";
            default -> ",\"temperature\":1.5,\"top_k\":20,\"min_p\":0.01,\"seed\":-5";
          };
      lines.add(
          "{\"id\":\"row %d\",\"ids\":%s,\"max_tokens\":%d,\"logprobs\":2,\"ignore_eos\":true%s}"
              .formatted(row, Arrays.toString(ids), 8 + row, kind));
    }
    return lines;
  }

  private JsonNode run(String oracle, List<String> lines, String... options) throws IOException {
    Path requests = folder.resolve("requests.jsonl");
    Files.write(requests, lines);
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of("generate", "--json", "--strict", "true"));
    arguments.addAll(List.of("--model", Oracle.named(oracle).directory().toString()));
    arguments.addAll(List.of("--requests", requests.toString()));
    arguments.addAll(List.of(options));
    CommandRun run = CommandRun.of(arguments.toArray(String[]::new));
    assertThat(run.status()).as(run.output() + run.progress()).isZero();
    return run.document();
  }

  /// Every result as it was printed, by id.
  private static Map<String, String> results(JsonNode document) {
    Map<String, String> results = new TreeMap<>();
    document.get("results").forEach(r -> results.put(r.get("id").textValue(), r.toString()));
    assertThat(results).hasSize(ROWS);
    assertThat(results.values()).allMatch(result -> result.endsWith("\"error\":null}"));
    return results;
  }

  @ParameterizedTest
  @ValueSource(strings = {"scout", "chunked", "w4a16", "fp8", "top2-gqa5"})
  void resultsAreTheSameBytes(String oracle) throws IOException {
    List<String> lines = lines();
    Map<String, String> alone =
        results(run(oracle, lines, "--threads", "1", "--max-batch", "1", "--prefill-chunk", "0"));
    JsonNode together = run(oracle, lines, "--threads", "2");
    assertThat(results(together)).isEqualTo(alone);
    assertThat(together.at("/stats/max_rows_per_step").intValue()).isEqualTo(ROWS);
    List<String> shuffled = new ArrayList<>(lines);
    Collections.shuffle(shuffled, new Random(1));
    JsonNode small =
        run(oracle, shuffled, "--threads", "2", "--max-batch", "3", "--prefill-chunk", "5");
    assertThat(results(small)).isEqualTo(alone);
    assertThat(small.at("/stats/max_rows_per_step").intValue()).isEqualTo(3);
    JsonNode cramped = run(oracle, lines.reversed(), "--kv-tokens", "80", "--prefill-chunk", "7");
    assertThat(results(cramped)).isEqualTo(alone);
    assertThat(cramped.at("/stats/preemptions").intValue()).isPositive();
    assertThat(cramped.at("/stats/max_rows_per_step").intValue()).isGreaterThan(1);
    assertThat(cramped.at("/stats/kv_tokens_peak").intValue()).isLessThanOrEqualTo(80);
    assertThat(cramped.at("/stats/prefill_tokens").intValue())
        .as("preempted rows are computed again")
        .isGreaterThan(together.at("/stats/prefill_tokens").intValue());
  }

  private static String longPrompt(int tokens) {
    return "{\"ids\":%s,\"max_tokens\":4,\"ignore_eos\":true}"
        .formatted(Arrays.toString(new Random(9).ints(tokens, 0, 400).toArray()));
  }

  @ParameterizedTest
  @CsvSource({"7", "64"})
  void closedChunksAreFreed(int step) throws IOException {
    JsonNode document =
        run("chunked", List.of(longPrompt(1000)), "--prefill-chunk", Integer.toString(step));
    // One of five layers keeps all 1003 tokens; four keep the open chunk of 8 and those of a step.
    assertThat(document.at("/stats/kv_tokens_peak").intValue())
        .isBetween(1003 / 5, 1003 / 5 + 8 + step + 1);
    assertThat(document.at("/stats/steps").intValue()).isEqualTo(Math.ceilDiv(1000, step) + 3);
  }

  @Test
  void aChunkedModelAnswersPromptsThatItsCacheCouldNotHoldInAllLayers() throws IOException {
    JsonNode document =
        run(
            "chunked",
            List.of(longPrompt(1000)),
            "--prefill-chunk",
            "16",
            "--kv-tokens",
            "1008",
            "--max-batch",
            "1");
    assertThat(document.at("/results/0/completion_ids")).hasSize(4);
  }

  @Test
  void withoutChunksEveryTokenIsHeld() throws IOException {
    JsonNode document = run("dense", List.of(longPrompt(1000)), "--prefill-chunk", "64");
    assertThat(document.at("/stats/kv_tokens_peak").intValue()).isEqualTo(1003);
  }
}
