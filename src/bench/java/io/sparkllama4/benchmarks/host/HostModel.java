package io.sparkllama4.benchmarks.host;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.Probe;
import io.sparkllama4.cli.bench.ModelShape;
import io.sparkllama4.cli.bench.Presets;
import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.Engine;
import io.sparkllama4.engine.EngineHooks;
import io.sparkllama4.engine.EngineOptions;
import io.sparkllama4.engine.OutputText;
import io.sparkllama4.engine.PromptBatch;
import io.sparkllama4.engine.SamplingParams;
import io.sparkllama4.engine.Submission;
import io.sparkllama4.model.Decoder;
import io.sparkllama4.model.RankShare;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.RuntimeOptions;
import io.sparkllama4.text.TokenDecoder;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// A model with as many layers and experts as Scout has, on the emulated device, and an engine
/// whose steps a clock hears of. Its widths are small: what a step costs the host does not depend
/// on them.
final class HostModel implements AutoCloseable {
  /// Layers, of which every fourth is global.
  static final int LAYERS = 48;

  private static final ModelShape SCOUT_NARROW =
      new ModelShape("scout-narrow", 64, LAYERS, 4, 2, 16, 16, 64, 512);

  /// Most tokens of a prompt in a step.
  private static final int CHUNK = 512;

  /// Where a backend looks for its driver.
  private static final String LIBRARY = "spark.llama4.cuda.library";

  private final ModelHandle handle;
  private final Engine engine;

  private HostModel(ModelHandle handle, Engine engine) {
    this.handle = handle;
    this.engine = engine;
  }

  /// The model on the emulated driver in the file `emulator`.
  ///
  /// @param checkpoints where the made checkpoint is kept
  static HostModel open(Path emulator, Path checkpoints, HostCase measured, HostClock clock) {
    Path checkpoint = Presets.checkpoint(SCOUT_NARROW, checkpoints, "int4", _ -> {});
    RuntimeOptions defaults = RuntimeOptions.defaults();
    // Room for all, whose last blocks are not full.
    int kvTokens = measured.sequences() * (measured.context() + 64);
    EngineOptions batches = new EngineOptions(measured.sequences(), CHUNK, kvTokens);
    RuntimeOptions options =
        new RuntimeOptions(
            "cuda",
            "auto",
            defaults.threads(),
            "int4",
            defaults.int4Group(),
            Optional.empty(),
            1,
            List.of(),
            "auto",
            true,
            batches.withoutShortcuts());
    String before = System.getProperty(LIBRARY, "");
    System.setProperty(LIBRARY, emulator.toString());
    try {
      ModelHandle handle = ModelHandle.open(checkpoint, options);
      return new HostModel(handle, engine(handle, options, clock));
    } finally {
      if (before.isEmpty()) {
        System.clearProperty(LIBRARY);
      } else {
        System.setProperty(LIBRARY, before);
      }
    }
  }

  private static Engine engine(ModelHandle handle, RuntimeOptions options, HostClock clock) {
    Backend watched = WatchedBackend.of(handle.backend(), clock);
    RankShare share = RankShare.of(handle.checkpoint().spec(), 1).getFirst();
    return new Engine(
        List.of(new Decoder(share, handle.weights().getFirst(), watched.kernels())),
        watched,
        options.engine(),
        Set.copyOf(handle.checkpoint().stopIds()),
        () -> new Text(handle.tokenizer().decoder()),
        0,
        new EngineHooks(Probe.NONE, clock));
  }

  private record Text(TokenDecoder decoder) implements OutputText {
    @Override
    public String append(int id) {
      return decoder.append(id);
    }

    @Override
    public String finish() {
      return decoder.finish();
    }
  }

  /// Rows of `prompt` tokens that all generate `tokens` more.
  private record Rows(int rows, int prompt, SamplingParams params) implements PromptBatch {
    @Override
    public int promptTokens(int row) {
      return prompt;
    }

    @Override
    public void copyPrompt(int row, int[] target) {
      for (int i = 0; i < prompt; i++) {
        target[i] = (31 * row + i) % 256;
      }
    }

    @Override
    public Task task(int row) {
      return new Generate(params);
    }
  }

  /// Generates behind `sequences` prompts side by side.
  void generate(int sequences, int prompt, SamplingParams params) throws InterruptedException {
    Submission submission = engine.submit(new Rows(sequences, prompt, params), "bench");
    for (int row = 0; row < sequences; row++) {
      Completion answer = submission.await(row);
      if (answer.error().isPresent() || answer.ids().length != params.maxTokens()) {
        throw new IllegalStateException("Row " + row + " ended with " + answer);
      }
    }
  }

  @Override
  public void close() {
    engine.close();
    handle.close();
  }
}
