package io.sparkllama4.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.EngineOptions;
import io.sparkllama4.engine.PromptBatch;
import io.sparkllama4.engine.SamplingParams;
import io.sparkllama4.golden.Oracle;
import io.sparkllama4.model.KvGroup;
import io.sparkllama4.model.RankShare;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.TensorSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Weights are as wide in memory as they are stored: a running model takes what its files take,
/// once more where kernels read them in another order, its cache, and little scratch memory.
class StoredWeightsTest {
  /// Scratch memory of a step of a few tokens, and of kernels.
  private static final long SCRATCH = 768 << 10;

  /// One row of four tokens.
  private record OneRow() implements PromptBatch {
    @Override
    public int rows() {
      return 1;
    }

    @Override
    public int promptTokens(int row) {
      return 4;
    }

    @Override
    public void copyPrompt(int row, int[] target) {
      for (int i = 0; i < 4; i++) {
        target[i] = i + 1;
      }
    }

    @Override
    public Task task(int row) {
      return new Generate(SamplingParams.DEFAULT);
    }
  }

  private static long weightFileBytes(Path directory) throws IOException {
    long bytes = 0;
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        String name = file.getFileName().toString();
        if (name.startsWith("model") && name.endsWith(".safetensors")) {
          bytes += Files.size(file);
        }
      }
    }
    return bytes;
  }

  @ParameterizedTest
  @CsvSource({"scout,vector", "scout,scalar", "fp8,vector", "w4a16,vector", "top2-gqa5,vector"})
  void nothingIsWidened(String oracle, String kernels) throws Exception {
    Path directory = Oracle.named(oracle).directory();
    long files = weightFileBytes(directory);
    RuntimeOptions options =
        new RuntimeOptions(
            "cpu",
            kernels,
            2,
            "stored",
            32,
            Optional.empty(),
            1,
            List.of(),
            "auto",
            true,
            new EngineOptions(1, 4, 512));
    try (ModelHandle model = ModelHandle.open(directory, options)) {
      assertThat(model.checkpoint().summary().bytes())
          .as("weights without headers and vision")
          .isBetween(files * 9 / 10, files);
      long packed =
          model
              .checkpoint()
              .weights()
              .plan(RankShare.whole(model.checkpoint().spec()), model.backend(), WeightForm.STORED)
              .stream()
              .mapToLong(TensorSpec::bytes)
              .sum();
      assertThat(packed).isLessThan(model.checkpoint().summary().bytes());
      assertThat(NativeArena.openBytes()).isBetween(files + packed, files + packed + SCRATCH);
      Completion answer = model.engine().submit(new OneRow(), "test").await(0);
      assertThat(answer.error()).isEmpty();
      // The cache grows by slabs of 64 blocks of up to 16 tokens.
      long perToken =
          model.checkpoint().spec().kvBytesPerToken(KvGroup.GLOBAL, DType.F32)
              + model.checkpoint().spec().kvBytesPerToken(KvGroup.CHUNKED, DType.F32);
      assertThat(NativeArena.openBytes()).isLessThan(files + packed + 64 * 16 * perToken + SCRATCH);
    }
    assertThat(NativeArena.openBytes()).isZero();
  }
}
