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

/// The bundled model answers as transformers does with the same weights: `greedy.json` holds prompt
/// and greedy ids of the first held-out tickets, written by `tools/small-model/evaluate.py`.
class BundledModelTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path scratch = Path.of("");

  @Test
  void continuesAsTheReferenceDoes() throws IOException {
    JsonNode cases =
        JSON.readTree(Root.file("src/test/resources/tickets/greedy.json").toFile()).get("cases");
    assertThat(cases).hasSizeGreaterThanOrEqualTo(60);
    List<String> lines = new ArrayList<>();
    for (JsonNode one : cases) {
      ObjectNode line = JSON.createObjectNode();
      line.put("id", one.get("id").asText() + " " + one.get("question").asText());
      line.set("ids", one.get("input_ids"));
      line.put("max_tokens", 64);
      lines.add(line.toString());
    }
    Path requests = Files.write(scratch.resolve("requests.jsonl"), lines);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int status =
        Main.execute(
            new Console(out, err),
            "generate",
            "--model",
            Root.file("examples/models/tickets").toString(),
            "--requests",
            requests.toString(),
            "--json");

    assertThat(status).as(err.toString(StandardCharsets.UTF_8)).isZero();
    JsonNode results = JSON.readTree(out.toByteArray()).get("results");
    assertThat(results).hasSize(cases.size());
    for (int i = 0; i < cases.size(); i++) {
      JsonNode expected = cases.get(i).get("greedy_ids");
      assertThat(results.get(i).get("completion_ids")).as(lines.get(i)).isEqualTo(expected);
      assertThat(results.get(i).get("finish_reason").asText()).isEqualTo("stop");
    }
  }
}
