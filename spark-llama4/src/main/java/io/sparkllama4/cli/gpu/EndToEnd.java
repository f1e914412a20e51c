package io.sparkllama4.cli.gpu;

import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.backend.check.CheckRun;
import io.sparkllama4.backend.check.Finding;
import io.sparkllama4.cli.bench.ModelShape;
import io.sparkllama4.cli.bench.Presets;
import io.sparkllama4.cli.bench.Rows;
import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.EngineOptions;
import io.sparkllama4.engine.PromptBatch;
import io.sparkllama4.engine.SamplingParams;
import io.sparkllama4.engine.TokenLogprob;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.RuntimeOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/// Whole models on the device: a small one against the processor, and the speed of larger ones.
final class EndToEnd {
  /// The most by which a log-probability may differ from the processor's.
  private static final double LOGPROB_BOUND = 5e-2;

  private static final int SEQUENCES = 8;
  private static final int TOKENS = 12;
  private static final int KV_TOKENS = 4096;
  private static final int SMALL_KV_BATCH = 16;

  private final SelfTestPlan plan;
  private final boolean isEmulated;
  private final Consumer<String> progress;

  EndToEnd(SelfTestPlan plan, boolean isEmulated, Consumer<String> progress) {
    this.plan = plan;
    this.isEmulated = isEmulated;
    this.progress = progress;
  }

  void run(CheckRun run, boolean measures) {
    run.check("answers_as_the_processor", this::asTheProcessor);
    run.check("same_bits_alone_and_with_others", this::sameBits);
    if (measures) {
      new EndToEndSpeed(plan, isEmulated, progress).run(run);
    } else {
      run.check("speed", () -> Finding.skipped(SelfTest.NO_SPEED));
    }
  }

  /// How a model runs on the tested device.
  ///
  /// @param weights form of the weights
  static RuntimeOptions options(
      String backend, List<String> devices, String weights, EngineOptions engine) {
    return new RuntimeOptions(
            backend,
            "auto",
            Runtime.getRuntime().availableProcessors(),
            weights,
            WeightForm.INT4.group(),
            Optional.empty(),
            1,
            devices,
            "auto",
            true,
            engine)
        .withoutShortcuts();
  }

  private ModelHandle open(String backend) {
    Path directory = Presets.checkpoint(ModelShape.TINY, plan.presets(), "stored", progress);
    List<String> devices = backend.equals("cpu") ? List.of() : plan.devices();
    EngineOptions engine = new EngineOptions(SMALL_KV_BATCH, 0, KV_TOKENS);
    return ModelHandle.open(directory, options(backend, devices, "stored", engine));
  }

  /// Prompts of several lengths, which are all random.
  private static List<int[]> prompts() {
    SplittableRandom random = new SplittableRandom(11);
    List<int[]> prompts = new ArrayList<>();
    for (int i = 0; i < SEQUENCES; i++) {
      prompts.add(random.ints(1 + 7L * i, 0, ModelShape.TINY.vocabulary()).toArray());
    }
    return prompts;
  }

  /// Continues prompts greedily, with the log-probability of each token.
  private static List<Completion> answers(List<int[]> prompts, ModelHandle model)
      throws InterruptedException {
    SamplingParams greedy =
        new SamplingParams(TOKENS, 0, 1, 0, 0, 0, 0, 1, 0, List.of(), List.of(), true, 0);
    return new Rows(prompts, new PromptBatch.Generate(greedy)).answers(model.engine());
  }

  private Finding asTheProcessor() throws InterruptedException {
    List<Completion> found;
    List<Completion> expected;
    try (ModelHandle model = open("cuda")) {
      found = answers(prompts(), model);
    }
    try (ModelHandle model = open("cpu")) {
      expected = answers(prompts(), model);
    }
    int others = 0;
    double worst = 0;
    for (int row = 0; row < expected.size(); row++) {
      if (!Arrays.equals(found.get(row).ids(), expected.get(row).ids())) {
        others++;
        continue;
      }
      List<TokenLogprob> right = expected.get(row).logprobs();
      for (int i = 0; i < right.size(); i++) {
        double error =
            Math.abs((double) found.get(row).logprobs().get(i).logprob() - right.get(i).logprob());
        worst = Double.isNaN(error) ? Double.MAX_VALUE : Math.max(worst, error);
      }
    }
    String text =
        String.format(
            Locale.ROOT,
            "%d of %d answers have other ids; log-probabilities differ by %.2g at most",
            others,
            expected.size(),
            worst);
    return Finding.that(others == 0 && worst <= LOGPROB_BOUND, text)
        .with("other_answers", others)
        .with("largest_error", worst);
  }

  private Finding sameBits() throws InterruptedException {
    int others = 0;
    try (ModelHandle model = open("cuda")) {
      List<int[]> all = prompts();
      List<Completion> together = answers(all, model);
      for (int row = 0; row < SEQUENCES; row++) {
        Completion alone = answers(List.of(all.get(row)), model).getFirst();
        others += isSame(alone, together.get(row)) ? 0 : 1;
      }
    }
    return Finding.that(
        others == 0, others + " of " + SEQUENCES + " answers differ alone and with the others");
  }

  private static boolean isSame(Completion a, Completion b) {
    int[] bitsOfA = bits(a);
    return Arrays.equals(a.ids(), b.ids()) && Arrays.equals(bitsOfA, bits(b)) && bitsOfA.length > 0;
  }

  private static int[] bits(Completion completion) {
    return completion.logprobs().stream()
        .mapToInt(token -> Float.floatToRawIntBits(token.logprob()))
        .toArray();
  }
}
