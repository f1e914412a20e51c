package io.sparkllama4.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sparkllama4.golden.Oracle;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.weights.ModelCopy;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Files of requests: options of a line, failures of a row, order, defaults.
class RequestsTest {
  private static final Oracle DENSE = Oracle.named("dense");

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    assertThat(NativeArena.openBytes()).isZero();
  }

  private CommandRun run(byte[] file, String... more) throws IOException {
    Path requests = folder.resolve("requests.jsonl");
    Files.write(requests, file);
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of("generate", "--json", "--model", DENSE.directory().toString()));
    arguments.addAll(List.of("--requests", requests.toString()));
    arguments.addAll(List.of(more));
    return CommandRun.of(arguments.toArray(String[]::new));
  }

  private JsonNode results(List<String> lines, String... more) throws IOException {
    byte[] file = String.join("\n", lines).getBytes(StandardCharsets.UTF_8);
    CommandRun run = run(file, more);
    assertThat(run.status()).as(run.output() + run.progress()).isZero();
    return run.document().get("results");
  }

  private static void failed(JsonNode result, String code, String inMessage) {
    assertThat(CommandRun.names(result.get("error"))).containsExactly("code", "message");
    assertThat(result.get("error").get("code").textValue()).as("%s", result).isEqualTo(code);
    assertThat(result.get("error").get("message").textValue()).contains(inMessage);
    assertThat(result.get("finish_reason").textValue()).isEqualTo("error");
    assertThat(result.get("completion_ids")).isEmpty();
    assertThat(result.get("text").textValue()).isEmpty();
    assertThat(result.get("stop").isNull()).isTrue();
    assertThat(result.get("usage").get("completion_tokens").intValue()).isZero();
  }

  private static List<Integer> completion(JsonNode result) {
    assertThat(result.get("error").isNull()).as("%s", result).isTrue();
    List<Integer> ids = new ArrayList<>();
    result.get("completion_ids").forEach(id -> ids.add(id.intValue()));
    return ids;
  }

  @Test
  void linesSetTheirOwnOptions() throws IOException {
    Oracle.Prompt prompt = DENSE.prompts().getFirst();
    String ids = "\"ids\":" + prompt.ids();
    List<Integer> greedy = prompt.greedyIds();
    JsonNode results =
        results(
            List.of(
                "{\"id\":\"a\"," + ids + ",\"max_tokens\":3}",
                "{\"id\":\"b\"," + ids + "}",
                "{\"id\":7," + ids + ",\"stop_id\":" + greedy.get(1) + "}",
                "{" + ids + ",\"stop_id\":[" + greedy.get(0) + ",3],\"logprobs\":1}",
                "{" + ids + ",\"max_tokens\":null,\"temperature\":1,\"seed\":11}"),
            "--max-tokens",
            "5",
            "--ignore-eos");
    assertThat(results)
        .extracting(result -> result.get("id").textValue())
        .containsExactly("a", "b", "7", "3", "4");
    assertThat(completion(results.get(0))).isEqualTo(greedy.subList(0, 3));
    assertThat(completion(results.get(1))).isEqualTo(greedy.subList(0, 5));
    int stop = greedy.indexOf(greedy.get(1));
    assertThat(completion(results.get(2))).isEqualTo(greedy.subList(0, stop + 1));
    assertThat(results.get(2).get("stop").toString()).isEqualTo("{\"id\":" + greedy.get(1) + "}");
    assertThat(completion(results.get(3))).isEqualTo(greedy.subList(0, 1));
    assertThat(results.get(3).get("logprobs")).hasSize(1);
    assertThat(results.get(2).get("logprobs").isNull()).isTrue();
    assertThat(completion(results.get(4))).hasSize(5);
    assertThat(results.get(4).get("seed").longValue()).isEqualTo(11);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "no json;INVALID_OPTION;no JSON",
        "[1];INVALID_OPTION;no JSON object",
        "{\"ids\":[1]} {\"ids\":[2]};INVALID_OPTION;no JSON",
        "{\"ids\":[1],\"ids\":[2]};INVALID_OPTION;no JSON",
        "{};INVALID_OPTION;one of ids",
        "{\"ids\":[1],\"prompt\":\"x\"};INVALID_OPTION;one of ids",
        "{\"ids\":{\"a\":1}};INVALID_OPTION;no list",
        "{\"ids\":\"1,2\"};INVALID_OPTION;no list",
        "{\"ids\":[1.5]};INVALID_OPTION;no list",
        "{\"ids\":[2147483648]};INVALID_OPTION;no list",
        "{\"ids\":[512]};INVALID_OPTION;vocabulary",
        "{\"ids\":[-1]};INVALID_OPTION;vocabulary",
        "{\"ids\":[]};EMPTY_PROMPT;empty",
        "{\"prompt\":\"\",\"raw\":true};EMPTY_PROMPT;empty",
        "{\"prompt\":5};INVALID_OPTION;no text",
        "{\"prompt\":\"\\ud800\"};INVALID_UTF8;UTF-8",
        "{\"messages\":[]};INVALID_OPTION;messages",
        "{\"messages\":\"x\"};INVALID_OPTION;messages",
        "{\"ids\":[1],\"id\":{}};INVALID_OPTION;id",
        "{\"ids\":[1],\"max_token\":1};INVALID_OPTION;max_tokens",
        "{\"ids\":[1],\"max_tokens\":0};INVALID_OPTION;max_tokens",
        "{\"ids\":[1],\"max_tokens\":1e99};INVALID_OPTION;max_tokens",
        "{\"ids\":[1],\"temperature\":-1};INVALID_OPTION;temperature",
        "{\"ids\":[1],\"temperature\":1e999};INVALID_OPTION;temperature",
        "{\"ids\":[1],\"temperature\":\"hot\"};INVALID_OPTION;temperature",
        "{\"ids\":[1],\"top_p\":0};INVALID_OPTION;top_p",
        "{\"ids\":[1],\"stop\":[\"\"]};INVALID_OPTION;stop",
        "{\"ids\":[1],\"stop\":[1]};INVALID_OPTION;stop",
        "{\"ids\":[1],\"seed\":1.5};INVALID_OPTION;seed",
        "{\"ids\":[1],\"on_long_prompt\":\"weep\"};INVALID_OPTION;truncate_middle",
        "{\"ids\":[1],\"timeout\":0};INVALID_OPTION;above 0",
        "{\"ids\":[1],\"timeout\":\"soon\"};INVALID_OPTION;a number",
        "{\"ids\":[1],\"timeout\":1e-9};TIMEOUT;timeout",
        "{\"ids\":[1],\"descriptions\":{}};INVALID_OPTION;Unknown option"
      })
  void aBadLineFailsAlone(String line, String code, String inMessage) throws IOException {
    String good = "{\"ids\":[17],\"max_tokens\":2,\"ignore_eos\":true}";
    JsonNode results = results(List.of(good, line, "{\"id\":\"z\"," + good.substring(1)));
    assertThat(results).extracting(r -> r.get("id").textValue()).containsExactly("0", "1", "z");
    failed(results.get(1), code, inMessage);
    assertThat(completion(results.get(0))).hasSize(2).isEqualTo(completion(results.get(2)));
  }

  @Test
  void bytesThatAreNoUtf8FailTheirLineAlone() throws IOException {
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    file.writeBytes("\ufeff{\"ids\":[17],\"max_tokens\":1}\r\n".getBytes(StandardCharsets.UTF_8));
    file.writeBytes("{\"prompt\":\"\u00e4\"}\n\n".getBytes(StandardCharsets.ISO_8859_1));
    file.writeBytes(
        "{\"id\":\"\u00e4\",\"ids\":[17],\"max_tokens\":1}".getBytes(StandardCharsets.UTF_8));
    CommandRun run = run(file.toByteArray());
    assertThat(run.status()).as(run.output()).isZero();
    JsonNode results = run.document().get("results");
    assertThat(results).hasSize(3);
    assertThat(completion(results.get(0))).isEqualTo(completion(results.get(2))).hasSize(1);
    failed(results.get(1), "INVALID_UTF8", "Line 2");
    assertThat(results.get(2).get("id").textValue()).isEqualTo("\u00e4");
  }

  @Test
  void equalIdsAreAnsweredEachAndInOrder() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      lines.add("{\"id\":\"same\",\"ids\":[" + (i % 3 + 1) + "],\"max_tokens\":" + (9 - i) + "}");
    }
    JsonNode results = results(lines, "--ignore-eos", "--max-batch", "2");
    assertThat(results).extracting(r -> r.get("id").textValue()).containsOnly("same").hasSize(9);
    for (int i = 0; i < 9; i++) {
      assertThat(results.get(i).get("prompt_ids").get(0).intValue()).isEqualTo(i % 3 + 1);
      assertThat(completion(results.get(i))).hasSize(9 - i);
    }
  }

  @Test
  void optionsComeFirstThenFilesAndAnEmptyFileIsNoError() throws IOException {
    JsonNode results =
        results(List.of("{\"ids\":[3]}"), "--ids", "1", "--ids", "2", "--max-tokens", "1");
    assertThat(results).extracting(r -> r.get("id").textValue()).containsExactly("0", "1", "2");
    assertThat(results)
        .extracting(r -> r.get("prompt_ids").get(0).intValue())
        .containsExactly(1, 2, 3);
    assertThat(results(List.of("", "  "))).isEmpty();
  }

  @Test
  void anAbsentFileIsMissing() {
    CommandRun run =
        CommandRun.of(
            "generate", "--json", "--model", DENSE.directory().toString(), "--requests", "absent");
    assertThat(run.status()).isEqualTo(1);
    assertThat(run.error().get("code").textValue()).isEqualTo("MISSING_FILE");
    assertThat(run.error().get("file").textValue()).isEqualTo("absent");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\"}]}]};messages",
      })
  void whatIsNotBuiltIsRefusedAsAWhole(String lineAndKey) throws IOException {
    String[] parts = lineAndKey.split(";", -1);
    CommandRun run = run(("{\"ids\":[1]}\n" + parts[0]).getBytes(StandardCharsets.UTF_8));
    assertThat(run.status()).isEqualTo(1);
    assertThat(run.error().get("code").textValue()).isEqualTo("UNSUPPORTED_FEATURE");
    assertThat(run.error().get("key").textValue()).isEqualTo(parts[1]);
  }

  /// generation_config.json of the oracles asks for sampling at temperature 0.6.
  @Test
  void outputsAreGreedyAndOf256TokensByDefault() throws IOException {
    Oracle.Prompt prompt = DENSE.prompts().getFirst();
    JsonNode result = results(List.of("{\"ids\":" + prompt.ids() + ",\"ignore_eos\":true}")).get(0);
    assertThat(completion(result))
        .hasSize(256)
        .startsWith(prompt.greedyIds().toArray(Integer[]::new));
    assertThat(result.get("finish_reason").textValue()).isEqualTo("length");
  }

  @Test
  void aSeedThatIsNotGivenComesFromTheContent() throws IOException {
    String line = "{\"ids\":[5,6],\"temperature\":1,\"max_tokens\":8}";
    JsonNode results = results(List.of(line, line.replace('6', '7'), line));
    assertThat(results.get(0).get("seed")).isEqualTo(results.get(2).get("seed"));
    assertThat(results.get(0).get("seed")).isNotEqualTo(results.get(1).get("seed"));
    assertThat(completion(results.get(0))).isEqualTo(completion(results.get(2)));
    JsonNode given =
        results(List.of(line.replace("}", ",\"seed\":" + results.get(0).get("seed") + "}")));
    assertThat(completion(given.get(0))).isEqualTo(completion(results.get(0)));
  }

  @Test
  void promptsAreAsLongAsThePositionsAllow() throws IOException {
    ModelCopy model = ModelCopy.of("dense", folder.resolve("model"));
    model.text(config -> config.put("max_position_embeddings", 64));
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of("generate", "--json", "--ignore-eos"));
    arguments.addAll(List.of("--model", model.directory().toString()));
    for (int length : List.of(64, 63, 62)) {
      arguments.addAll(List.of("--ids", String.join(",", Collections.nCopies(length, "5"))));
    }
    CommandRun run = CommandRun.of(arguments.toArray(String[]::new));
    assertThat(run.status()).as(run.output()).isZero();
    JsonNode results = run.document().get("results");
    failed(results.get(0), "PROMPT_TOO_LONG", "63");
    assertThat(completion(results.get(1))).hasSize(1);
    assertThat(completion(results.get(2))).hasSize(2);
    assertThat(results.get(2).get("finish_reason").textValue()).isEqualTo("length");
  }

  @Test
  void promptsAreCutUntilTheirAnswersFit() throws IOException {
    ModelCopy model = ModelCopy.of("dense", folder.resolve("model"));
    model.text(config -> config.put("max_position_embeddings", 64));
    List<Integer> ids = IntStream.range(0, 100).boxed().toList();
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of("generate", "--json", "--ignore-eos", "--max-tokens"));
    arguments.addAll(List.of("10", "--on-long-prompt", "truncate_head", "--model"));
    arguments.addAll(List.of(model.directory().toString(), "--requests"));
    arguments.add(
        Files.write(
                folder.resolve("cut.jsonl"),
                List.of(
                    "{\"ids\":" + ids + "}",
                    "{\"ids\":" + ids + ",\"on_long_prompt\":\"truncate_tail\"}",
                    "{\"ids\":" + ids + ",\"max_tokens\":500}",
                    "{\"ids\":" + ids.subList(0, 54) + "}",
                    "{\"ids\":" + ids + ",\"on_long_prompt\":\"fail\"}"))
            .toString());
    CommandRun run = CommandRun.of(arguments.toArray(String[]::new));
    assertThat(run.status()).as(run.output()).isZero();
    JsonNode results = run.document().get("results");
    assertThat(prompt(results.get(0))).isEqualTo(ids.subList(46, 100));
    assertThat(prompt(results.get(1))).isEqualTo(ids.subList(0, 54));
    assertThat(prompt(results.get(2))).as("half of the context").isEqualTo(ids.subList(68, 100));
    assertThat(prompt(results.get(3))).isEqualTo(ids.subList(0, 54));
    assertThat(completion(results.get(0))).hasSize(10);
    assertThat(completion(results.get(2))).hasSize(32);
    failed(results.get(4), "PROMPT_TOO_LONG", "63");
  }

  private static List<Integer> prompt(JsonNode result) {
    List<Integer> ids = new ArrayList<>();
    result.get("prompt_ids").forEach(id -> ids.add(id.intValue()));
    return ids;
  }

  @ParameterizedTest
  @ValueSource(ints = {0x7fc0, 0x7f7f})
  void logitsThatAreNoNumbersFailTheRow(int bits) throws IOException {
    ModelCopy model = ModelCopy.of("dense", folder.resolve("model"));
    byte[] head = new byte[65_536];
    for (int i = 0; i < head.length; i += 2) {
      head[i] = (byte) bits;
      head[i + 1] = (byte) (bits >>> 8);
    }
    model.fill(ModelCopy.WEIGHTS, "lm_head.weight", head);
    String directory = model.directory().toString();
    CommandRun run =
        CommandRun.of(
            "generate", "--json", "--ids", "1,2,3", "--logprobs", "1", "--model", directory);
    assertThat(run.status()).isZero();
    failed(run.document().get("results").get(0), "ENGINE_FAILED", "numbers");
    CommandRun score = CommandRun.of("score", "--json", "--ids", "1,2,3", "--model", directory);
    assertThat(score.status()).isEqualTo(1);
    assertThat(score.error().get("code").textValue()).isEqualTo("ENGINE_FAILED");
  }
}
