package io.sparkllama4.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import io.sparkllama4.golden.Oracle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// `plan`: its document key by key, its lines, its refusals.
class PlanCommandTest {
  private static final String[] PARTS = {
    "experts", "shared", "attention", "dense", "head", "embedding", "vision", "other"
  };

  private static CommandRun run(String line, String... more) {
    List<String> arguments = new ArrayList<>(List.of(line.split(" ", -1)));
    arguments.addAll(Arrays.asList(more));
    return CommandRun.of(arguments.toArray(String[]::new));
  }

  private static JsonNode document(String line) {
    CommandRun run = run("plan --json " + line);
    assertThat(run.status()).as(run.output() + run.progress()).isZero();
    return run.document();
  }

  private static void checkWeights(JsonNode weights) {
    assertThat(CommandRun.names(weights)).containsOnlyOnce(PARTS).contains("total").hasSize(9);
    long total = 0;
    for (String part : PARTS) {
      assertThat(weights.get(part).isIntegralNumber()).as(part).isTrue();
      total += weights.get(part).longValue();
    }
    assertThat(weights.get("total").longValue()).isEqualTo(total);
  }

  @Test
  void document() {
    JsonNode plan =
        document(
            "--model scout --gpus 1xH100 --dtype int4 --kv-dtype fp8 --context 1024 --workspace 0");
    assertThat(CommandRun.names(plan))
        .containsExactly(
            "schema",
            "model",
            "gpus",
            "dtype",
            "kv_dtype",
            "context",
            "weights",
            "workspace_bytes",
            "fits",
            "missing_bytes",
            "helps",
            "kv",
            "per_gpu",
            "roofline",
            "notes");
    assertThat(plan.get("schema").textValue()).isEqualTo("spark-llama4.plan.v1");
    assertThat(plan.get("model").textValue()).isEqualTo("scout");
    assertThat(plan.at("/gpus/name").textValue()).isEqualTo("H100");
    assertThat(plan.at("/gpus/count").intValue()).isEqualTo(1);
    assertThat(plan.at("/gpus/memory_bytes").longValue()).isEqualTo(84_800_000_000L);
    assertThat(plan.at("/gpus/bytes_per_s").doubleValue()).isEqualTo(3.35e12);
    checkWeights(plan.get("weights"));
    checkWeights(plan.at("/per_gpu/weights"));
    assertThat(plan.at("/per_gpu/weights")).isEqualTo(plan.get("weights"));
    assertThat(plan.get("workspace_bytes").longValue()).isZero();
    assertThat(plan.get("fits").booleanValue()).isTrue();
    assertThat(plan.get("missing_bytes").longValue()).isZero();
    assertThat(plan.get("helps")).isEmpty();
    assertThat(plan.at("/kv/global_bytes_per_token").longValue()).isEqualTo(12 * 2048);
    assertThat(plan.at("/kv/chunked_bytes_per_token").longValue()).isEqualTo(36 * 2048);
    long tokens = plan.at("/kv/tokens").longValue();
    assertThat((double) tokens).isCloseTo(169_000, withinPercentage(2));
    assertThat(plan.at("/kv/sequences").longValue()).isEqualTo(tokens / 1024);
    assertThat(plan.at("/per_gpu/kv/free_bytes").longValue() / 98_304).isEqualTo(tokens);
    JsonNode decode = plan.at("/roofline/decode");
    assertThat(decode)
        .extracting(step -> step.get("sequences").longValue())
        .containsExactly(1L, 16L, 64L, 128L, tokens / 1024);
    decode.forEach(
        step -> {
          assertThat(step.get("tokens_per_s").doubleValue()).isGreaterThan(200);
          assertThat(step.get("bound").textValue()).isEqualTo("memory");
        });
    assertThat(plan.at("/roofline/prefill_tokens_per_s").doubleValue())
        .isCloseTo(30_714, withinPercentage(2))
        .isGreaterThan(plan.at("/roofline/prefill_with_attention_tokens_per_s").doubleValue());
    assertThat(plan.get("notes")).isNotEmpty().allMatch(JsonNode::isTextual);
    assertThat(plan.at("/notes/0").textValue()).contains("nothing is measured");
  }

  /// A plan that says no is an answer.
  @Test
  void whatDoesNotFit() {
    JsonNode plan = document("--model maverick --gpus 4xH100 --dtype fp8 --context 8192");
    assertThat(plan.get("fits").booleanValue()).isFalse();
    assertThat(plan.get("missing_bytes").longValue()).isGreaterThan(20_000_000_000L);
    assertThat(plan.at("/helps/0").textValue()).isEqualTo("--gpus 6xH100");
    assertThat(plan.at("/kv/tokens").longValue()).isZero();
    assertThat(plan.at("/per_gpu/kv/free_bytes").longValue()).isZero();
    assertThat(plan.at("/roofline/decode")).isEmpty();
    assertThat(plan.at("/roofline/prefill_tokens_per_s").doubleValue()).isZero();
    CommandRun run = run("plan --model maverick --gpus 4xH100 --dtype fp8");
    assertThat(run.status()).isZero();
    assertThat(run.output())
        .contains("It does not fit", "what helps: --gpus 6xH100")
        .doesNotContain("Roofline");
  }

  @Test
  void linesForPeople() {
    CommandRun run = run("plan --model maverick --gpus 8xH100 --dtype fp8 --kv-dtype fp8");
    assertThat(run.status()).isZero();
    assertThat(run.output())
        .contains("maverick on 8xH100", "It fits", "fullest GPU", "Roofline", "prefill, matrices")
        .containsPattern("experts +386[.][0-9]+ +48[.][0-9]+\n");
    assertThat(run.progress()).isEmpty();
  }

  /// The text model of the oracle, without a look at its weights.
  @ParameterizedTest
  @ValueSource(strings = {"scout", "dense", "w4a16"})
  void directoriesOfCheckpoints(String oracle, @TempDir Path directory) throws Exception {
    Path source = Oracle.named(oracle).directory();
    Files.copy(source.resolve("config.json"), directory.resolve("config.json"));
    CommandRun run = run("plan --json --gpus 1xL40S --workspace 1k --model", directory.toString());
    assertThat(run.status()).as(run.output()).isZero();
    JsonNode plan = run.document();
    assertThat(plan.get("model").textValue()).isEqualTo(directory.toString());
    assertThat(plan.get("workspace_bytes").longValue()).isEqualTo(1024);
    assertThat(plan.get("dtype").textValue()).isEqualTo("bf16");
    JsonNode info = run("info --json --model", source.toString()).document();
    assertThat(plan.at("/weights/total").longValue())
        .isEqualTo(2 * info.at("/parameters/total").longValue());
    // info counts float32, as the CPU caches them.
    assertThat(2 * plan.at("/kv/global_bytes_per_token").longValue())
        .isEqualTo(info.at("/kv/global_bytes_per_token").longValue());
    assertThat(2 * plan.at("/kv/chunked_bytes_per_token").longValue())
        .isEqualTo(info.at("/kv/chunked_bytes_per_token").longValue());
    assertThat(plan.get("context").intValue())
        .isEqualTo(Math.min(8192, info.at("/text/max_positions").intValue()));
  }

  @ParameterizedTest
  @CsvSource({
    "--model scout --gpus 1xTPU,--gpus,H100",
    "--model scout --gpus 0xH100,--gpus,1 to 64",
    "--model scout --gpus H100,--gpus,COUNTxNAME",
    "--model scout --gpus 1xH100 --dtype int3,--dtype,int4-all",
    "--model scout --gpus 1xH100 --kv-dtype int8,--kv-dtype,fp8",
    "--model scout --gpus 1xH100 --context 0,--context,10485760",
    "--model scout --gpus 1xH100 --context 10485761,--context,10485760",
    "--model scout --gpus 1xH100 --workspace -1,--workspace,bytes",
    "--model scout --gpus 1xH100 --workspace 2gb,--workspace,bytes",
    "--model scout --gpus 1xH100 --workspace 9999999t,--workspace,bytes",
    "--model scout --gpus 1xH100 --images maybe,--images,on"
  })
  void wrongUsage(String line, String key, String expected) {
    CommandRun run = run("plan --json " + line);
    assertThat(run.status()).as(run.output()).isEqualTo(2);
    JsonNode error = run.error();
    assertThat(error.get("code").textValue()).isEqualTo("INVALID_OPTION");
    assertThat(error.get("key").textValue()).isEqualTo(key);
    assertThat(error.get("expected").textValue()).contains(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--gpus 1xH100",
        "--model scout",
        "--model scout --gpus 1xH100 --context many",
        "--model scout --gpus 1xH100 more"
      })
  void whatCannotBeParsed(String line) {
    CommandRun run = run("plan --json " + line);
    assertThat(run.status()).isEqualTo(2);
    assertThat(run.error().get("code").textValue()).isEqualTo("INVALID_OPTION");
  }

  @Test
  void directoriesWithoutConfiguration(@TempDir Path directory) {
    CommandRun run = run("plan --json --gpus 1xH100 --model", directory.toString());
    assertThat(run.status()).isEqualTo(1);
    assertThat(run.error().get("code").textValue()).isEqualTo("MISSING_FILE");
    CommandRun unknown = run("plan --json --gpus 1xH100 --model scoot");
    assertThat(unknown.status()).isEqualTo(1);
    assertThat(unknown.error().get("expected").textValue()).contains("scout, maverick, behemoth");
  }
}
