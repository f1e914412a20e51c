package io.sparkllama4.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.sparkllama4.golden.Oracle;
import io.sparkllama4.tensor.NativeArena;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The documents of `generate`, `score` and `info`, key by key, on every oracle.
class DocumentTest {

  static List<Oracle> oracles() {
    return Oracle.all();
  }

  @AfterEach
  void nothingIsLeft() {
    assertThat(NativeArena.openBytes()).isZero();
  }

  static JsonNode run(String command, Oracle oracle, String... more) {
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of(command, "--json", "--model", oracle.directory().toString()));
    arguments.addAll(List.of(more));
    CommandRun run = CommandRun.of(arguments.toArray(String[]::new));
    assertThat(run.status()).as(run.output() + run.progress()).isZero();
    JsonNode document = run.document();
    assertFinite(document);
    return document;
  }

  /// A number that is none would have been written as a text.
  private static void assertFinite(JsonNode node) {
    node.forEach(DocumentTest::assertFinite);
    if (node.isTextual()) {
      assertThat(node.textValue()).isNotIn("NaN", "Infinity", "-Infinity");
    }
  }

  private static String ids(Oracle.Prompt prompt) {
    return String.join(",", prompt.ids().stream().map(String::valueOf).toList());
  }

  private static void integers(JsonNode object, String... names) {
    for (String name : names) {
      assertThat(object.path(name).isIntegralNumber()).as("%s of %s", name, object).isTrue();
    }
  }

  private static void numbers(JsonNode object, String... names) {
    for (String name : names) {
      assertThat(object.path(name).isNumber()).as("%s of %s", name, object).isTrue();
    }
  }

  private static void texts(JsonNode object, String... names) {
    for (String name : names) {
      assertThat(object.path(name).isTextual()).as("%s of %s", name, object).isTrue();
    }
  }

  private static void checkModel(JsonNode model, Oracle oracle) {
    assertThat(model.get("path").textValue()).isEqualTo(oracle.directory().toString());
    assertThat(model.get("digest").textValue()).matches("sha256:[0-9a-f]{64}");
  }

  @ParameterizedTest
  @MethodSource("oracles")
  void generate(Oracle oracle) {
    Oracle.Prompt prompt = oracle.prompts().getFirst();
    JsonNode document =
        run(
            "generate",
            oracle,
            "--ids",
            ids(prompt),
            "--max-tokens",
            "4",
            "--ignore-eos",
            "--logprobs",
            "2");
    assertThat(CommandRun.names(document))
        .containsExactly("schema", "model", "backend", "results", "stats");
    assertThat(document.get("schema").textValue()).isEqualTo("spark-llama4.generate.v1");
    checkModel(document.get("model"), oracle);
    JsonNode backend = document.get("backend");
    texts(backend, "name", "kernels", "weights");
    integers(backend, "threads", "ranks");
    assertThat(backend.get("strict").isBoolean()).isTrue();
    JsonNode stats = document.get("stats");
    integers(
        stats,
        "model_loads",
        "steps",
        "max_rows_per_step",
        "preemptions",
        "prefill_tokens",
        "kv_tokens_peak",
        "native_bytes_after_close");
    numbers(stats, "load_seconds", "prefill_seconds", "decode_seconds");
    assertThat(stats.get("native_bytes_after_close").longValue()).isZero();
    assertThat(stats.get("model_loads").intValue()).isEqualTo(1);
    assertThat(stats.get("prefill_tokens").intValue()).isEqualTo(prompt.ids().size());
    assertThat(document.get("results")).hasSize(1);
    checkResult(document.get("results").get(0), prompt);
  }

  private static void checkResult(JsonNode result, Oracle.Prompt prompt) {
    assertThat(CommandRun.names(result))
        .containsExactlyInAnyOrder(
            "id",
            "prompt_ids",
            "completion_ids",
            "text",
            "finish_reason",
            "stop",
            "seed",
            "usage",
            "logprobs",
            "error");
    texts(result, "id", "text");
    integers(result, "seed");
    assertThat(result.get("id").textValue()).isEqualTo("0");
    assertThat(result.get("prompt_ids"))
        .extracting(JsonNode::intValue)
        .containsExactlyElementsOf(prompt.ids());
    assertThat(result.get("completion_ids"))
        .extracting(JsonNode::intValue)
        .containsExactlyElementsOf(prompt.greedyIds().subList(0, 4));
    assertThat(result.get("finish_reason").textValue()).isEqualTo("length");
    assertThat(result.get("stop").isNull()).isTrue();
    assertThat(result.get("error").isNull()).isTrue();
    assertThat(result.get("usage").get("prompt_tokens").intValue()).isEqualTo(prompt.ids().size());
    assertThat(result.get("usage").get("cached_tokens").intValue()).isZero();
    assertThat(result.get("usage").get("completion_tokens").intValue()).isEqualTo(4);
    assertThat(result.get("logprobs")).hasSize(4);
    for (int i = 0; i < 4; i++) {
      JsonNode logprob = result.get("logprobs").get(i);
      assertThat(logprob.get("id").intValue()).isEqualTo(prompt.greedyIds().get(i));
      assertThat(logprob.get("logprob").doubleValue())
          .isCloseTo(prompt.greedyLogprobs().get(i), within(1e-4));
      assertThat(logprob.get("top")).hasSize(2);
      assertThat(logprob.get("top").get(0).get("id")).isEqualTo(logprob.get("id"));
      assertThat(logprob.get("top").get(0).get("logprob")).isEqualTo(logprob.get("logprob"));
    }
  }

  @ParameterizedTest
  @MethodSource("oracles")
  void score(Oracle oracle) {
    Oracle.Prompt prompt = oracle.prompts().getLast();
    JsonNode document = run("score", oracle, "--ids", ids(prompt), "--top", "5");
    assertThat(CommandRun.names(document))
        .containsExactly("schema", "model", "total_logprob", "positions");
    assertThat(document.get("schema").textValue()).isEqualTo("spark-llama4.score.v1");
    checkModel(document.get("model"), oracle);
    double total = 0;
    assertThat(document.get("positions")).hasSameSizeAs(prompt.ids());
    for (int i = 0; i < prompt.ids().size(); i++) {
      JsonNode position = document.get("positions").get(i);
      assertThat(CommandRun.names(position)).containsExactly("position", "id", "logprob", "next");
      assertThat(position.get("position").intValue()).isEqualTo(i);
      assertThat(position.get("id").intValue()).isEqualTo(prompt.ids().get(i));
      if (i == 0) {
        assertThat(position.get("logprob").isNull()).isTrue();
      } else {
        total += position.get("logprob").doubleValue();
        assertThat(position.get("logprob").doubleValue())
            .isCloseTo(prompt.inputLogprobs().get(i), within(1e-4));
      }
      assertThat(position.get("next"))
          .extracting(next -> next.get("id").intValue())
          .containsExactlyElementsOf(prompt.topIds().get(i));
      numbers(position.get("next").get(4), "logprob");
    }
    assertThat(document.get("total_logprob").doubleValue()).isCloseTo(total, within(1e-5));
  }

  @ParameterizedTest
  @MethodSource("oracles")
  void info(Oracle oracle) {
    JsonNode document = run("info", oracle);
    assertThat(CommandRun.names(document))
        .containsExactly(
            "schema",
            "path",
            "digest",
            "architecture",
            "parameters",
            "weights",
            "text",
            "kv",
            "backends",
            "warnings");
    assertThat(document.get("schema").textValue()).isEqualTo("spark-llama4.info.v1");
    checkModel(document, oracle);
    assertThat(document.get("architecture").textValue()).isEqualTo("llama4");
    integers(document.get("parameters"), "total", "active");
    integers(document.get("weights"), "bytes", "files");
    texts(document.get("weights"), "dtype", "quantization");
    JsonNode text = document.get("text");
    integers(
        text,
        "layers",
        "hidden",
        "heads",
        "kv_heads",
        "head_dim",
        "vocabulary",
        "experts",
        "experts_per_token",
        "max_positions");
    assertThat(text.get("query_key_norm").isBoolean()).isTrue();
    assertThat(text.get("moe_layers").isArray()).isTrue();
    assertThat(text.get("rope_layers").isArray()).isTrue();
    assertThat(text.get("chunk").isIntegralNumber() || text.get("chunk").isNull()).isTrue();
    texts(document.get("kv"), "dtype");
    integers(document.get("kv"), "global_bytes_per_token", "chunked_bytes_per_token");
    assertThat(document.get("backends")).hasSize(2);
    JsonNode cpu = document.get("backends").get(0);
    assertThat(cpu.get("name").textValue()).isEqualTo("cpu");
    assertThat(cpu.get("available").booleanValue()).isTrue();
    // Which path, and which instructions or why no faster path.
    assertThat(cpu.get("kernels").textValue()).isIn("native", "vector");
    assertThat(cpu.get("reasons")).isNotEmpty();
    JsonNode cuda = document.get("backends").get(1);
    assertThat(cuda.get("name").textValue()).isEqualTo("cuda");
    assertThat(cuda.get("available").booleanValue()).isFalse();
    assertThat(cuda.get("kernels").isNull()).isTrue();
    assertThat(cuda.get("reasons")).isNotEmpty();
    assertThat(document.get("warnings").isArray()).isTrue();
  }

  @Test
  void infoOfScout() {
    JsonNode document = run("info", Oracle.named("scout"));
    // 2 x 512 x 64 and a norm; eight layers of attention, two norms, a router, 16 + 1 experts.
    long experts = 3L * 64 * 48;
    long others = 2 * 512 * 64 + 64 + 8 * (2 * 64 * 64 + 2 * 32 * 64 + 2 * 64 + 16 * 64 + experts);
    assertThat(document.at("/parameters/total").longValue()).isEqualTo(others + 8 * 16 * experts);
    assertThat(document.at("/parameters/active").longValue()).isEqualTo(others + 8 * experts);
    assertThat(document.at("/weights/bytes").longValue())
        .as("two bytes each")
        .isEqualTo(2 * (others + 8 * 16 * experts));
    assertThat(document.at("/weights/dtype").textValue()).isEqualTo("bf16");
    assertThat(document.at("/weights/quantization").textValue()).isEqualTo("none");
    assertThat(document.at("/text/moe_layers")).hasSize(8);
    assertThat(document.at("/text/rope_layers"))
        .extracting(JsonNode::intValue)
        .containsExactly(0, 1, 2, 4, 5, 6);
    assertThat(document.at("/text/chunk").intValue()).isEqualTo(8192);
    assertThat(document.at("/text/query_key_norm").booleanValue()).isTrue();
    // Keys and values of two heads of 16 in float32.
    assertThat(document.at("/kv/global_bytes_per_token").longValue()).isEqualTo(2 * 256);
    assertThat(document.at("/kv/chunked_bytes_per_token").longValue()).isEqualTo(6 * 256);
  }

  @Test
  void infoOfTheOtherForms() {
    assertThat(run("info", Oracle.named("fp8")).at("/weights/quantization").textValue())
        .isEqualTo("fp8");
    JsonNode packed = run("info", Oracle.named("w4a16"));
    assertThat(packed.at("/weights/quantization").textValue()).isEqualTo("w4a16");
    assertThat(packed.at("/weights/files").intValue()).isEqualTo(2);
    JsonNode dense = run("info", Oracle.named("dense"));
    assertThat(dense.at("/text/experts").intValue()).isZero();
    assertThat(dense.at("/text/chunk").isNull()).isTrue();
    assertThat(dense.at("/parameters/active")).isEqualTo(dense.at("/parameters/total"));
    JsonNode tied = run("info", Oracle.named("new-config"));
    assertThat(tied.at("/weights/dtype").textValue()).isEqualTo("f16");
    assertThat(tied.at("/text/moe_layers")).extracting(JsonNode::intValue).containsExactly(1, 4);
    assertThat(run("info", Oracle.named("top2-gqa5")).at("/text/experts_per_token").intValue())
        .isEqualTo(2);
  }
}
