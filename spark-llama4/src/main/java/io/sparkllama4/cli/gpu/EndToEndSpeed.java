package io.sparkllama4.cli.gpu;

import io.sparkllama4.backend.check.CheckRun;
import io.sparkllama4.backend.check.Finding;
import io.sparkllama4.cli.bench.BenchModel;
import io.sparkllama4.cli.bench.ModelShape;
import io.sparkllama4.cli.bench.Presets;
import io.sparkllama4.cli.bench.QuickSpeeds;
import io.sparkllama4.engine.EngineOptions;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.Llama4Exception;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Tokens per second of made models, prompts and decoding.
final class EndToEndSpeed {
  /// What a disk writes of a made checkpoint, and what loading reads, in bytes per second: slow
  /// ones, so that what is begun comes to an end in time.
  private static final double WRITTEN_PER_SECOND = 2e8;

  private static final double LOADED_PER_SECOND = 5e8;

  /// Seconds that a case may take.
  private static final double CASE_SECONDS = 3;

  private static final int MAX_BATCH = 256;
  private static final int PREFILL_CHUNK = 512;

  /// Room for as many sequences, and for those that wait for the others' prompts.
  private static final int KV_TOKENS = 131_072;

  private static final int STEPS = 64;
  private static final int FEW_STEPS = 4;
  private static final int FEW_KV_TOKENS = 4096;

  private final SelfTestPlan plan;
  private final Consumer<String> progress;
  private final List<ModelShape> shapes;
  private final List<Integer> prompts;
  private final List<Integer> sequences;
  private final int steps;
  private final int kvTokens;

  EndToEndSpeed(SelfTestPlan plan, boolean isEmulated, Consumer<String> progress) {
    this.plan = plan;
    this.progress = progress;
    shapes =
        isEmulated ? List.of(ModelShape.TINY) : List.of(ModelShape.MODEL_S, ModelShape.SCOUT_SLICE);
    prompts = isEmulated ? List.of(16) : List.of(512, 2048, 8192);
    sequences = isEmulated ? List.of(1, 2) : List.of(1, 8, 32, 64, 256);
    steps = isEmulated ? FEW_STEPS : STEPS;
    kvTokens = isEmulated ? FEW_KV_TOKENS : KV_TOKENS;
  }

  /// A measurement of an open model.
  private interface Measuring {
    QuickSpeeds.Speed of(BenchModel model) throws InterruptedException;
  }

  void run(CheckRun run) {
    for (ModelShape shape : shapes) {
      for (String weights : List.of("bf16", "int4")) {
        LateModel model = new LateModel(shape, weights);
        String name = shape.name() + "_" + weights;
        for (int n : prompts) {
          check(run, name + "_prefill_" + n, model, on -> QuickSpeeds.prefill(on, n));
        }
        for (int n : sequences) {
          check(run, name + "_decode_" + n, model, on -> QuickSpeeds.decode(on, n, steps));
        }
        run.giveBack(name + "_closing", model);
      }
    }
  }

  private static void check(CheckRun run, String name, LateModel model, Measuring measuring) {
    run.check(name, model.secondsToOpen() + CASE_SECONDS, () -> measure(model, measuring));
  }

  private static Finding measure(LateModel model, Measuring measuring) throws InterruptedException {
    BenchModel opened = model.get();
    if (opened == null) {
      return Finding.skipped(model.refusal());
    }
    QuickSpeeds.Speed speed = measuring.of(opened);
    Finding finding =
        Finding.passed(String.format(Locale.ROOT, "%,.1f tokens/s", speed.tokensPerSecond()))
            .with("tokens_per_s", speed.tokensPerSecond())
            .with("tflop_per_s", speed.flops() / 1e12);
    return speed.bytes().map(bytes -> finding.with("gb_per_s", bytes / 1e9)).orElse(finding);
  }

  /// A model that the first check opens, and the checkpoint that it makes where there is none.
  private final class LateModel implements AutoCloseable {
    private final ModelShape shape;
    private final String weights;
    private @Nullable BenchModel opened;
    private String refusal = "";

    LateModel(ModelShape shape, String weights) {
      this.shape = shape;
      this.weights = weights;
    }

    double secondsToOpen() {
      if (opened != null || !refusal.isEmpty()) {
        return 0;
      }
      double bytes = Presets.bytes(shape);
      boolean isMade = Presets.isMade(shape, plan.presets());
      return bytes / LOADED_PER_SECOND + (isMade ? 0 : bytes / WRITTEN_PER_SECOND);
    }

    /// Null where the host has no room for the checkpoint.
    @Nullable BenchModel get() {
      if (opened == null && refusal.isEmpty()) {
        open();
      }
      return opened;
    }

    private void open() {
      Path directory;
      try {
        directory = Presets.checkpoint(shape, plan.presets(), weights, progress);
      } catch (Llama4Exception e) {
        if (e.report().code() != ErrorCode.NOT_ENOUGH_MEMORY) {
          throw e;
        }
        refusal = "the host has no room: " + e.report().describe();
        return;
      }
      EngineOptions engine = new EngineOptions(MAX_BATCH, PREFILL_CHUNK, kvTokens);
      opened =
          BenchModel.open(directory, EndToEnd.options("cuda", plan.devices(), weights, engine));
    }

    String refusal() {
      return refusal;
    }

    @Override
    public void close() {
      BenchModel known = opened;
      if (known != null) {
        known.close();
      }
    }
  }
}
