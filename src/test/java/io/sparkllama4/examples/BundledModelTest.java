package io.sparkllama4.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.cli.Console;
import io.sparkllama4.cli.spark.Main;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The bundled model answers as transformers does with the same weights: `greedy.json` holds prompt
/// and greedy ids of the first held-out tickets, written by `tools/small-model/evaluate.py`.
class BundledModelTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path scratch = Path.of("");

  private static JsonNode cases() throws IOException {
    return JSON.readTree(Root.file("src/test/resources/tickets/greedy.json").toFile()).get("cases");
  }

  /// What `generate` says of all cases.
  private JsonNode answers(String... options) throws IOException {
    List<String> lines = new ArrayList<>();
    for (JsonNode one : cases()) {
      ObjectNode line = JSON.createObjectNode();
      line.put("id", one.get("id").asText() + " " + one.get("question").asText());
      line.set("ids", one.get("input_ids"));
      line.put("max_tokens", 64);
      lines.add(line.toString());
    }
    Path requests = Files.write(scratch.resolve("requests.jsonl"), lines);
    List<String> arguments = new ArrayList<>(List.of("generate", "--json"));
    arguments.addAll(List.of("--model", Root.file("examples/models/tickets").toString()));
    arguments.addAll(List.of("--requests", requests.toString()));
    arguments.addAll(List.of(options));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int status = Main.execute(new Console(out, err), arguments.toArray(String[]::new));
    assertThat(status).as(err.toString(StandardCharsets.UTF_8)).isZero();
    return JSON.readTree(out.toByteArray());
  }

  @Test
  void continuesAsTheReferenceDoes() throws IOException {
    JsonNode cases = cases();
    assertThat(cases).hasSizeGreaterThanOrEqualTo(60);
    JsonNode results = answers().get("results");
    assertThat(results).hasSize(cases.size());
    for (int i = 0; i < cases.size(); i++) {
      JsonNode expected = cases.get(i).get("greedy_ids");
      assertThat(results.get(i).get("completion_ids"))
          .as(results.get(i).get("id").asText())
          .isEqualTo(expected);
      assertThat(results.get(i).get("finish_reason").asText()).isEqualTo("stop");
    }
  }

  /// Its answers copy names and numbers from the ticket, which can be guessed.
  @ParameterizedTest
  @ValueSource(
      strings = {
        "--temperature 0",
        "--logprobs 2",
        "--stop }",
        "--temperature 0.8 --top-k 20 --seed 3"
      })
  void guessingWhatItCopiesSavesStepsAndChangesNothing(String options) throws IOException {
    List<String> shared = new ArrayList<>(List.of(options.split(" ")));
    shared.addAll(List.of("--max-batch", "8", "--prefix-cache", "off", "--speculation"));
    JsonNode plain = answers(with(shared, "off"));
    JsonNode guessed = answers(with(shared, "on"));
    assertThat(guessed.get("results")).isEqualTo(plain.get("results"));
    JsonNode stats = guessed.get("stats");
    long drafted = stats.get("drafted_tokens").longValue();
    long accepted = stats.get("accepted_tokens").longValue();
    String figures =
        String.format(
            "%s: %d steps, %d without; %d of %d guesses right",
            options,
            stats.get("steps").intValue(),
            plain.get("stats").get("steps").intValue(),
            accepted,
            drafted);
    System.out.println(figures);
    assertThat(plain.get("stats").get("drafted_tokens").longValue()).isZero();
    assertThat(accepted).as(figures).isBetween(drafted / 4, drafted);
    assertThat(stats.get("steps").intValue())
        .as(figures)
        .isLessThan(plain.get("stats").get("steps").intValue() * 9 / 10);
  }

  private static String[] with(List<String> options, String last) {
    List<String> all = new ArrayList<>(options);
    all.add(last);
    return all.toArray(String[]::new);
  }
}
