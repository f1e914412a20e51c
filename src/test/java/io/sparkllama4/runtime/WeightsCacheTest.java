package io.sparkllama4.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sparkllama4.cli.CommandRun;
import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.EngineOptions;
import io.sparkllama4.engine.PromptBatch;
import io.sparkllama4.engine.SamplingParams;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.golden.Oracle;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.weights.ModelCopy;
import io.sparkllama4.weights.Warning;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Packed weights of an earlier start: the same bits, or a word why not.
class WeightsCacheTest {
  private static final String SCOUT = "scout";

  @TempDir Path directory;

  private Path cache() {
    return directory.resolve("cache");
  }

  @AfterEach
  void nothingStaysMapped() {
    assertThat(NativeArena.openBytes()).isZero();
  }

  /// One row of six tokens.
  private record OneRow() implements PromptBatch {
    @Override
    public int rows() {
      return 1;
    }

    @Override
    public int promptTokens(int row) {
      return 6;
    }

    @Override
    public void copyPrompt(int row, int[] target) {
      for (int i = 0; i < 6; i++) {
        target[i] = 3 * i + 1;
      }
    }

    @Override
    public Task task(int row) {
      return new Generate(
          new SamplingParams(8, 0, 1, 0, 0, 0, 0, 1, 0, List.of(), List.of(), true, 5));
    }
  }

  private static RuntimeOptions options(String kernels, String form, Optional<Path> cache) {
    boolean isWide = form.equals("int4-128");
    return new RuntimeOptions(
        "cpu",
        kernels,
        2,
        isWide ? "int4" : form,
        isWide ? 128 : 32,
        cache,
        1,
        List.of(),
        "auto",
        true,
        new EngineOptions(1, 4, 512));
  }

  /// What a model answers, to the last bit, and what it has to say of its cache.
  private record Answer(String bits, List<String> warnings) {}

  private static Answer answer(Path model, RuntimeOptions options) {
    try (ModelHandle handle = ModelHandle.open(model, options)) {
      Completion completion = handle.engine().submit(new OneRow(), "test").await(0);
      assertThat(completion.error()).isEmpty();
      assertThat(completion.logprobs()).hasSize(8);
      return new Answer(
          Arrays.toString(completion.ids()) + completion.logprobs(),
          handle.warnings().stream().map(Warning::code).toList());
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private Answer answer(String kernels, String form) {
    return answer(Oracle.named(SCOUT).directory(), options(kernels, form, Optional.of(cache())));
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(cache())) {
      return files.toList();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "scout,auto,stored",
    "scout,vector,int8",
    "scout,scalar,int8",
    "scout,auto,int4",
    "scout,auto,int4-128",
    "top2-gqa5,auto,bf16",
    "dense,auto,stored",
    "fp8,auto,stored",
    "w4a16,auto,stored"
  })
  void theSameBitsWithAndWithout(String oracle, String kernels, String form) throws IOException {
    Path model = Oracle.named(oracle).directory();
    Answer packed = answer(model, options(kernels, form, Optional.empty()));
    RuntimeOptions cached = options(kernels, form, Optional.of(cache()));

    assertThat(answer(model, cached)).as("the first start").isEqualTo(packed);
    assertThat(files()).hasSize(1);
    Object written = Files.readAttributes(files().getFirst(), "unix:ino,ctime");
    assertThat(answer(model, cached)).as("the second").isEqualTo(packed);
    assertThat(packed.warnings()).isEmpty();
    assertThat(files()).hasSize(1);
    assertThat(Files.readAttributes(files().getFirst(), "unix:ino,ctime"))
        .as("nobody has written")
        .isEqualTo(written);
  }

  @Test
  void fastKernelsShareOneFileOfAFormAndFormsHaveTheirOwn() throws IOException {
    assertThat(answer("vector", "int8").warnings()).isEmpty();
    assertThat(answer("auto", "int8").warnings()).isEmpty();
    assertThat(files()).hasSize(1);
    assertThat(answer("auto", "int4").warnings()).isEmpty();
    assertThat(files()).hasSize(2);
    assertThat(answer("auto", "int4-128").warnings()).as("groups of another size").isEmpty();
    assertThat(files()).hasSize(3);
    assertThat(answer("scalar", "stored").warnings()).as("reads stored weights").isEmpty();
    assertThat(files()).hasSize(3);
    assertThat(answer("scalar", "int8").warnings()).as("reads stored routers").isEmpty();
    assertThat(files()).hasSize(4);
  }

  @Test
  void anotherCheckpointHasAnotherFile() throws IOException {
    answer("auto", "stored");
    ModelCopy copy = ModelCopy.of(SCOUT, directory.resolve("model"));
    try (RandomAccessFile weights =
        new RandomAccessFile(copy.file(ModelCopy.WEIGHTS).toFile(), "rw")) {
      weights.seek(weights.length() - 1);
      int last = weights.read();
      weights.seek(weights.length() - 1);
      weights.write(last ^ 1);
    }
    assertThat(answer(copy.directory(), options("auto", "stored", Optional.of(cache()))).warnings())
        .isEmpty();
    assertThat(files()).hasSize(2);
  }

  @Test
  void aDamagedFileIsWrittenAnewWithAWord() throws IOException {
    Answer whole = answer("auto", "stored");
    Path file = files().getFirst();
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length / 2] ^= 4;
    Files.write(file, bytes);

    Answer warned = answer("auto", "stored");
    assertThat(warned.bits()).isEqualTo(whole.bits());
    assertThat(warned.warnings()).containsExactly("PACKED_CACHE_DAMAGED");
    assertThat(answer("auto", "stored")).isEqualTo(whole);
  }

  @Test
  void aDirectoryThatCannotBeWrittenIsAWarning() throws IOException {
    Path file = Files.writeString(directory.resolve("file"), "in the way");
    Path model = Oracle.named(SCOUT).directory();
    Answer packed = answer(model, options("auto", "stored", Optional.empty()));
    Answer answer = answer(model, options("auto", "stored", Optional.of(file.resolve("cache"))));
    assertThat(answer.bits()).isEqualTo(packed.bits());
    assertThat(answer.warnings()).containsExactly("PACKED_CACHE_NOT_WRITTEN");
  }

  @Test
  void processesThatStartAtOnceAllAnswerAndLeaveOneFile() throws Exception {
    List<String> answers = new ArrayList<>();
    try (ExecutorService starts = Executors.newFixedThreadPool(3)) {
      List<Callable<CommandRun>> processes = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        Path output = Files.createDirectories(directory.resolve("process" + i));
        processes.add(
            () ->
                CommandRun.ofProcess(
                    output,
                    "256m",
                    "generate",
                    "--model",
                    Oracle.named(SCOUT).directory().toString(),
                    "--ids",
                    "1,2,3",
                    "--max-tokens",
                    "4",
                    "--weights-cache",
                    cache().toString()));
      }
      for (Future<CommandRun> run : starts.invokeAll(processes)) {
        assertThat(run.get().status()).as(run.get().progress()).isZero();
        assertThat(run.get().progress()).as("no warnings").doesNotContain(" WARN ");
        answers.add(run.get().output());
      }
    }
    assertThat(answers).allMatch(answers.getFirst()::equals);
    assertThat(files()).hasSize(1);
  }

  @Test
  void weightsThatDoNotFitAreRefusedBeforeTheyArePacked() throws IOException {
    ModelCopy copy = ModelCopy.of(SCOUT, directory.resolve("model"));
    Path model = copy.directory();
    // Another model has planned nearly everything.
    long reserved = Long.MAX_VALUE / 2;
    assertThatThrownBy(
            () ->
                ModelHandle.open(model, options("auto", "stored", Optional.of(cache())), reserved))
        .isInstanceOfSatisfying(
            Llama4Exception.class,
            e -> {
              assertThat(e.report().code()).isEqualTo(ErrorCode.NOT_ENOUGH_MEMORY);
              assertThat(e.report().key()).isEqualTo("--weights");
              assertThat(e).hasMessageContaining("--weights int4");
              assertThat(e.report().found()).contains("bytes needed");
            });
    assertThat(cache()).doesNotExist();
  }
}
