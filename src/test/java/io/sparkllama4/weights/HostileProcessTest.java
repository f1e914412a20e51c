package io.sparkllama4.weights;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.cli.CommandRun;
import io.sparkllama4.error.ErrorCode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Broken checkpoints in a process of its own with a small heap: an exit status and a document, not
/// a crash.
class HostileProcessTest {
  private static final String WEIGHTS = ModelCopy.WEIGHTS;

  @TempDir Path folder;

  static List<Hostile> cases() {
    return List.of(
        Hostile.of("dense", "a header of 2^60 bytes", m -> m.headerLength(WEIGHTS, 1L << 60))
            .is(ErrorCode.INVALID_HEADER, WEIGHTS),
        Hostile.of(
                "dense",
                "a header that is very deep",
                m -> m.write(WEIGHTS, ModelCopy.headerAlone("{\"a\":".repeat(1_000_000))))
            .is(ErrorCode.INVALID_HEADER, WEIGHTS),
        Hostile.of("dense", "a configuration of 3 GB", m -> m.resize("config.json", 3_000_000_000L))
            .is(ErrorCode.INVALID_CONFIG, "config.json"),
        Hostile.of("dense", "heads of 2 GB", m -> m.text(c -> c.put("head_dim", 500_000_000)))
            .is(ErrorCode.SHAPE_MISMATCH, WEIGHTS),
        Hostile.of(
                "dense",
                "a tokenizer whose merges crash its library",
                model ->
                    model.json(
                        "tokenizer.json",
                        t -> t.withArray("/model/merges").addArray().add("zq").add("qz")))
            .is(ErrorCode.INVALID_TOKENIZER, "tokenizer.json"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void endsWithAStatusAndADocument(Hostile hostile) throws IOException, InterruptedException {
    ModelCopy model = ModelCopy.of(hostile.oracle(), folder.resolve("model"));
    hostile.breakage().apply(model);
    CommandRun run =
        CommandRun.ofProcess(
            folder, "512m", "info", "--json", "--model", model.directory().toString());
    assertThat(run.error().get("code").textValue()).isEqualTo(hostile.code().name());
    assertThat(run.error().get("file").textValue()).isEqualTo(hostile.file());
    assertThat(run.status()).isEqualTo(1);
  }

  @Test
  void aHeapThatIsTooSmallIsAnErrorWithACodeToo() throws IOException, InterruptedException {
    ModelCopy model = ModelCopy.of("dense", folder.resolve("model"));
    model.write(WEIGHTS, ModelCopy.length(99_000_000)).resize(WEIGHTS, 8 + 99_000_000);
    CommandRun run =
        CommandRun.ofProcess(
            folder, "64m", "info", "--json", "--model", model.directory().toString());
    assertThat(run.error().get("code").textValue()).isEqualTo("NOT_ENOUGH_MEMORY");
    assertThat(run.error().get("key").textValue()).isEqualTo("SPARK_LLAMA4_JAVA_OPTS");
    assertThat(run.status()).isEqualTo(1);
  }

  @Test
  void aSoundCheckpointIsAnswered() throws IOException, InterruptedException {
    ModelCopy model = ModelCopy.of("dense", folder.resolve("model"));
    CommandRun run =
        CommandRun.ofProcess(
            folder,
            "512m",
            "generate",
            "--json",
            "--ids",
            "1",
            "--model",
            model.directory().toString());
    assertThat(run.status()).as(run.progress()).isZero();
    assertThat(run.document().get("schema").textValue()).isEqualTo("spark-llama4.generate.v1");
  }
}
