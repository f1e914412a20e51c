package io.sparkllama4.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sparkllama4.golden.Oracle;
import io.sparkllama4.tensor.NativeArena;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Options that are wrong end with status 2, those that are right but not built with status 1; none
/// is ignored.
class OptionsTest {
  private static final String MODEL = Oracle.named("dense").directory().toString();

  @AfterEach
  void nothingIsLeft() {
    assertThat(NativeArena.openBytes()).isZero();
  }

  private static CommandRun generate(String... more) {
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of("generate", "--json", "--model", MODEL));
    arguments.addAll(List.of(more));
    return CommandRun.of(arguments.toArray(String[]::new));
  }

  private static void isWrongUsage(CommandRun run) {
    assertThat(run.status()).as(run.output()).isEqualTo(2);
    assertThat(run.error().get("code").textValue()).isEqualTo("INVALID_OPTION");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "generate --json --ids 1",
        "generate --json --model",
        "score --json --ids 1",
        "info --json",
        "info --json --model x --unheard-of",
        "unheard-of --json",
        "generate --json --model x --ids 1 --max-batch many",
        "generate --json --model x --ids 1 --strict maybe"
      })
  void aCommandThatCannotBeParsed(String line) {
    isWrongUsage(CommandRun.of(line.split(" ")));
  }

  @ParameterizedTest
  @CsvSource({
    "--threads,0",
    "--threads,-1",
    "--ranks,0",
    "--max-batch,0",
    "--max-batch,-5",
    "--prefill-chunk,-1",
    "--kv-tokens,0",
    "--kv-tokens,-1",
    "--backend,tpu",
    "--kernels,fast",
    "--weights,int3",
    "--int4-group,64",
    "--int4-group,many",
    "--prefix-cache,maybe",
    "--max-tokens,0",
    "--max-tokens,1.5",
    "--max-tokens,many",
    "--temperature,-0.1",
    "--temperature,NaN",
    "--top-p,0",
    "--top-p,1.01",
    "--top-k,-1",
    "--min-p,-0.1",
    "--min-p,2",
    "--seed,x",
    "--seed,9223372036854775808",
    "--stop-id,-1",
    "--presence-penalty,2.5",
    "--frequency-penalty,-3",
    "--repetition-penalty,0",
    "--timeout,0",
    "--timeout,later",
    "--on-long-prompt,cut",
    "--logprobs,-1",
    "--logprobs,1001",
    "--ids,'1,x'",
    "--ids,'1,,2'",
    "--ids,99999999999",
    "--messages,[",
    "--messages,{}",
    "--messages,[]",
    "--messages,'[{\"content\":\"x\"}]'"
  })
  void aValueThatIsNoneOfItsOption(String option, String value) {
    CommandRun run = generate("--ids", "1", option, value);
    isWrongUsage(run);
    assertThat(run.error().get("key").textValue()).isEqualTo(option);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "stored", "bf16", "int8"})
  void groupsAreOfInt4Alone(String form) {
    List<String> options = new ArrayList<>(List.of("--ids", "1", "--int4-group", "128"));
    if (!form.isEmpty()) {
      options.addAll(List.of("--weights", form));
    }
    CommandRun run = generate(options.toArray(String[]::new));
    isWrongUsage(run);
    assertThat(run.error().get("key").textValue()).isEqualTo("--int4-group");
    assertThat(run.error().get("found").textValue()).isEqualTo("128");
    assertThat(run.error().get("expected").textValue())
        .contains("with --weights int4", form.isEmpty() ? "stored" : form);
  }

  @ParameterizedTest
  @ValueSource(strings = {"32", "128"})
  void int4TakesBothSizesOfGroups(String size) {
    CommandRun run =
        generate("--ids", "1,2", "--max-tokens", "2", "--weights", "int4", "--int4-group", size);
    assertThat(run.status()).as(run.output()).isZero();
    assertThat(run.document().at("/results/0/completion_ids")).hasSize(2);
  }

  @Test
  void anEmptyStopTextIsNone() {
    isWrongUsage(generate("--ids", "1", "--stop", ""));
  }

  @Test
  void nothingToAnswer() {
    isWrongUsage(generate());
    isWrongUsage(CommandRun.of("score", "--json", "--model", MODEL));
    isWrongUsage(CommandRun.of("score", "--json", "--model", MODEL, "--ids", "1", "--prompt", "x"));
    isWrongUsage(CommandRun.of("score", "--json", "--model", MODEL, "--ids", "1", "--top", "-1"));
  }

  @Test
  void wrongUsageIsToldBesideTheDocumentToo() {
    CommandRun run = CommandRun.of("generate", "--model", MODEL, "--ids", "1", "--top-p", "7");
    assertThat(run.status()).isEqualTo(2);
    assertThat(run.output()).isEmpty();
    assertThat(run.progress()).contains("INVALID_OPTION", "top_p", "7");
    assertThat(CommandRun.of("generate", "--model", MODEL, "--modle", "x").progress())
        .contains("--modle", "Usage:");
  }

  @ParameterizedTest
  @CsvSource({"--ranks,64,UNSUPPORTED_FEATURE", "--backend,cuda,BACKEND_UNAVAILABLE"})
  void whatCannotBeIsRefusedByName(String option, String value, String code) {
    for (String command : List.of("generate", "score")) {
      CommandRun run =
          CommandRun.of(command, "--json", "--model", MODEL, "--ids", "1", option, value);
      assertThat(run.status()).as(run.output()).isEqualTo(1);
      assertThat(run.error().get("code").textValue()).isEqualTo(code);
      assertThat(run.error().get("key").textValue()).isEqualTo(option);
      assertThat(run.error().get("found").textValue()).isEqualTo(value);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"image", "image_url", "audio", "video"})
  void mediaInMessagesAreRefused(String type) {
    String messages =
        "[{\"role\":\"user\",\"content\":[{\"type\":\"" + type + "\",\"" + type + "\":\"x\"}]}]";
    CommandRun run = generate("--messages", messages);
    assertThat(run.status()).isEqualTo(1);
    assertThat(run.error().get("code").textValue()).isEqualTo("UNSUPPORTED_FEATURE");
    assertThat(run.error().get("key").textValue()).isEqualTo("--messages");
    assertThat(run.error().get("found").textValue()).isEqualTo(type);
  }

  @ParameterizedTest
  @CsvSource({
    "--prefix-cache,on",
    "--prefix-cache,off",
    "--weights,stored",
    "--weights,bf16",
    "--weights,int8",
    "--weights,int4",
    "--backend,auto",
    "--backend,cpu",
    "--kernels,auto",
    "--kernels,scalar",
    "--kernels,vector",
    "--ranks,1",
    "--ranks,2",
    "--ranks,4",
    "--threads,1",
    "--prefill-chunk,0",
    "--kv-tokens,64",
    "--strict,false",
    "--strict,true"
  })
  void whatIsBuiltWorks(String option, String value) {
    CommandRun run = generate("--ids", "1,2", "--max-tokens", "2", option, value);
    assertThat(run.status()).as(run.output()).isZero();
    assertThat(run.document().at("/results/0/completion_ids")).hasSize(2);
  }

  @Test
  void theBackendIsReportedAsAskedFor() {
    JsonNode backend =
        generate(
                "--ids",
                "1",
                "--max-tokens",
                "1",
                "--kernels",
                "scalar",
                "--threads",
                "1",
                "--strict",
                "false")
            .document()
            .get("backend");
    assertThat(backend.toString())
        .isEqualTo(
            "{\"name\":\"cpu\",\"kernels\":\"scalar\",\"threads\":1,\"ranks\":1,\"weights\":\"bf16\","
                + "\"strict\":false}");
  }

  @Test
  void ranksThatShareTheModelAreReported() {
    JsonNode backend =
        generate("--ids", "1", "--max-tokens", "1", "--ranks", "2", "--threads", "4")
            .document()
            .get("backend");
    assertThat(backend.get("ranks").intValue()).isEqualTo(2);
    assertThat(backend.get("threads").intValue()).isEqualTo(4);
  }

  @Test
  void aCacheThatCannotFitIsRefusedWithTheKeyThatHelps() {
    CommandRun run = generate("--ids", "1", "--kv-tokens", "2000000000");
    assertThat(run.status()).isEqualTo(1);
    assertThat(run.error().get("code").textValue()).isEqualTo("NOT_ENOUGH_MEMORY");
    assertThat(run.error().get("key").textValue()).isEqualTo("--kv-tokens");
  }
}
