package io.sparkllama4.weights;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.cli.CommandRun;
import io.sparkllama4.golden.Oracle;
import io.sparkllama4.tensor.NativeArena;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What looks odd in a checkpoint but is allowed: it gives the answers of the untouched one.
class AllowedCheckpointTest {
  private static final String WEIGHTS = ModelCopy.WEIGHTS;

  @TempDir Path folder;

  private String oracle = "dense";
  private ModelCopy model;

  @BeforeEach
  void copy() throws IOException {
    model = ModelCopy.of(oracle, folder.resolve("model"));
  }

  @AfterEach
  void nothingIsLeft() {
    assertThat(NativeArena.openBytes()).isZero();
  }

  private JsonNode result(String... more) {
    List<String> arguments =
        Stream.concat(
                Stream.of("generate", "--json", "--model", model.directory().toString()),
                Stream.of(more))
            .toList();
    CommandRun run = CommandRun.of(arguments.toArray(String[]::new));
    assertThat(run.status()).as(run.output()).isZero();
    return run.document().get("results").get(0);
  }

  private JsonNode info() {
    CommandRun run = CommandRun.of("info", "--json", "--model", model.directory().toString());
    assertThat(run.status()).as(run.output()).isZero();
    return run.document();
  }

  private void answersAsTheReference(String... options) {
    for (Oracle.Prompt prompt : Oracle.named(oracle).prompts()) {
      String ids = String.join(",", prompt.ids().stream().map(String::valueOf).toList());
      List<String> arguments = new ArrayList<>(List.of(options));
      arguments.addAll(List.of("--ids", ids, "--ignore-eos", "--max-tokens"));
      arguments.add(Integer.toString(prompt.greedyIds().size()));
      assertThat(result(arguments.toArray(String[]::new)).get("completion_ids"))
          .extracting(JsonNode::intValue)
          .containsExactlyElementsOf(prompt.greedyIds());
    }
  }

  private void warns(String... codes) {
    assertThat(info().get("warnings"))
        .extracting(w -> w.get("code").textValue())
        .containsExactly(codes);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7})
  void dataAtAnyAlignment(int blanks) throws IOException {
    model.rawHeader(WEIGHTS, header -> header + " ".repeat(blanks));
    answersAsTheReference();
    warns();
  }

  @Test
  void bytesThatNoTensorClaims() throws IOException {
    byte[] bytes = Files.readAllBytes(model.file(WEIGHTS));
    model.resize(WEIGHTS, bytes.length + 1001);
    answersAsTheReference();
    warns();
  }

  @Test
  void unusedBytesBetweenHeaderAndTensors() throws IOException {
    byte[] bytes = Files.readAllBytes(model.file(WEIGHTS));
    int gap = 77;
    model.header(WEIGHTS, header -> move(header, gap));
    byte[] moved = Files.readAllBytes(model.file(WEIGHTS));
    int data = bytes.length - 402_560;
    int start = moved.length - 402_560;
    byte[] spaced = java.util.Arrays.copyOf(moved, moved.length + gap);
    System.arraycopy(bytes, data, spaced, start + gap, 402_560);
    model.write(WEIGHTS, spaced);
    answersAsTheReference();
  }

  private static void move(ObjectNode header, int gap) {
    header.forEach(
        entry -> {
          if (entry.has("data_offsets")) {
            long begin = entry.get("data_offsets").get(0).longValue();
            long end = entry.get("data_offsets").get(1).longValue();
            ((ObjectNode) entry).putArray("data_offsets").add(begin + gap).add(end + gap);
          }
        });
  }

  @Test
  void unknownTensorsWithAWarning() throws IOException {
    byte[] bytes = Files.readAllBytes(model.file(WEIGHTS));
    model.resize(WEIGHTS, bytes.length + 5);
    model.header(
        WEIGHTS,
        header ->
            header
                .putObject("model.extra.weight")
                .put("dtype", "F4_UNHEARD_OF")
                .<ObjectNode>set("shape", header.arrayNode().add(10))
                .set("data_offsets", header.arrayNode().add(402_560).add(402_565)));
    answersAsTheReference();
    warns("UNKNOWN_TENSORS");
    assertThat(info().get("warnings").get(0).get("message").textValue())
        .contains("model.extra.weight");
  }

  @Test
  void metadataAndUnknownFieldsOfAnEntry() throws IOException {
    model.header(WEIGHTS, header -> header.putObject("__metadata__").put("made by", "hand"));
    model.tensor(WEIGHTS, "model.norm.weight", t -> t.putObject("note").putArray("x").add(1));
    answersAsTheReference();
    warns();
  }

  @ParameterizedTest
  @ValueSource(strings = {"float32", "float16", "int8"})
  void anotherDtypeInTheConfiguration(String dtype) throws IOException {
    model.text(config -> config.put("torch_dtype", dtype).put("dtype", dtype));
    answersAsTheReference();
    assertThat(info().get("weights").get("dtype").textValue()).isEqualTo("bf16");
  }

  /// One half of a layer in 16 bits, the other in 32: the values are the same.
  @ParameterizedTest
  @ValueSource(strings = {"scalar", "vector"})
  void neighboursOfDifferentTypes(String kernels) throws IOException {
    for (String tensor :
        List.of(
            "model.layers.0.feed_forward.up_proj.weight",
            "model.layers.1.self_attn.k_proj.weight",
            "model.layers.2.feed_forward.down_proj.weight",
            "model.layers.3.input_layernorm.weight",
            "lm_head.weight")) {
      model.widen(WEIGHTS, tensor);
    }
    answersAsTheReference("--kernels", kernels);
    warns();
    oracle = "scout";
    model = ModelCopy.of(oracle, folder.resolve("scout"));
    model.widen(WEIGHTS, "language_model.model.layers.0.feed_forward.experts.gate_up_proj");
    model.widen(WEIGHTS, "language_model.model.layers.1.feed_forward.experts.down_proj");
    model.widen(WEIGHTS, "language_model.model.layers.2.feed_forward.shared_expert.up_proj.weight");
    model.widen(WEIGHTS, "language_model.model.embed_tokens.weight");
    answersAsTheReference("--kernels", kernels);
  }

  @Test
  void withoutGenerationConfigTheStopIdsAreThoseOfTheConfiguration() throws IOException {
    Oracle.Prompt prompt = Oracle.named("dense").prompts().getFirst();
    int third = prompt.greedyIds().get(2);
    int first = prompt.greedyIds().indexOf(third);
    model.text(config -> config.put("eos_token_id", third));
    String ids = String.join(",", prompt.ids().stream().map(String::valueOf).toList());
    JsonNode published = result("--ids", ids, "--max-tokens", "4");
    assertThat(published.get("completion_ids")).as("generation_config.json comes first").hasSize(4);
    model.delete("generation_config.json");
    JsonNode own = result("--ids", ids, "--max-tokens", "4");
    assertThat(own.get("completion_ids")).hasSize(first + 1);
    assertThat(own.get("stop").get("id").intValue()).isEqualTo(third);
    assertThat(own.get("finish_reason").textValue()).isEqualTo("stop");
  }

  @Test
  void withoutTokenizerConfigPromptsAreRaw() throws IOException {
    String text = "the <|eot|> end";
    JsonNode chat = result("--prompt", text, "--max-tokens", "1");
    JsonNode raw = result("--prompt", text, "--max-tokens", "1", "--raw");
    model.delete("tokenizer_config.json");
    JsonNode plain = result("--prompt", text, "--max-tokens", "1");
    assertThat(plain.get("prompt_ids")).isEqualTo(raw.get("prompt_ids"));
    assertThat(plain.get("prompt_ids")).isNotEqualTo(chat.get("prompt_ids"));
    assertThat(plain.get("prompt_ids").get(0).intValue()).as("begin of text").isEqualTo(493);
    for (JsonNode id : plain.get("prompt_ids")) {
      assertThat(id.intValue()).as("special strings in a text are text").isLessThanOrEqualTo(493);
    }
    JsonNode messages =
        result("--messages", "[{\"role\":\"user\",\"content\":\"x\"}]", "--max-tokens", "1");
    assertThat(messages.get("error").get("code").textValue()).isEqualTo("TEMPLATE_ERROR");
  }

  @Test
  void weightsBehindLinksOfAModelHubsCache() throws IOException {
    Path hub = folder.resolve("models--someone--small");
    Path blobs = Files.createDirectories(hub.resolve("blobs"));
    Path snapshot = Files.createDirectories(hub.resolve("snapshots/0a1b2c"));
    ModelCopy shards = ModelCopy.of("maverick", folder.resolve("shards"));
    try (Stream<Path> files = Files.list(shards.directory())) {
      for (Path file : files.toList()) {
        String name = file.getFileName().toString();
        Files.move(file, blobs.resolve("blob-" + name));
        Files.createSymbolicLink(snapshot.resolve(name), Path.of("../../blobs/blob-" + name));
      }
    }
    CommandRun run = CommandRun.of("info", "--json", "--model", snapshot.toString());
    assertThat(run.status()).as(run.output()).isZero();
    assertThat(run.document().get("weights").get("files").intValue()).isEqualTo(3);
  }

  @Test
  void anIndexWhoseShardsLieInAFolderOrBehindALinkWithin() throws IOException {
    ModelCopy shards = ModelCopy.of("maverick", folder.resolve("shards"));
    Files.createDirectory(shards.file("weights"));
    String first = "model-00001-of-00003.safetensors";
    Files.move(shards.file(first), shards.file("weights/" + first));
    Files.createSymbolicLink(shards.file(first), Path.of("weights/" + first));
    CommandRun run = CommandRun.of("info", "--json", "--model", shards.directory().toString());
    assertThat(run.status()).as(run.output()).isZero();
  }

  @Test
  void aByteOrderMarkAndFieldsThatNobodyKnows() throws IOException {
    model.text(config -> config.put("something_new", true));
    String config = Files.readString(model.file("config.json"));
    model.write("config.json", ("\ufeff" + config).getBytes(StandardCharsets.UTF_8));
    answersAsTheReference();
  }
}
