package io.sparkllama4.cli.bench;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.engine.Engine;
import io.sparkllama4.engine.EngineHooks;
import io.sparkllama4.engine.EngineOptions;
import io.sparkllama4.engine.PromptBatch;
import io.sparkllama4.engine.SamplingParams;
import io.sparkllama4.engine.StepListener;
import io.sparkllama4.engine.Submission;
import io.sparkllama4.model.Decoder;
import io.sparkllama4.weights.Checkpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/// Runs the benchmark's cases through an engine, with prompts that any program can reproduce.
public final class Cases implements AutoCloseable {
  private static final long PREFILL_SEED = 1;
  private static final long SEQUENCE_SEED = 1000;

  private final int vocabulary;
  private final Engine engine;
  private final FullSteps steps = new FullSteps();

  /// An engine over `checkpoint`, whose prompts go through it in chunks of 512 tokens.
  public Cases(Checkpoint checkpoint, Backend backend) {
    this.vocabulary = checkpoint.spec().vocabulary();
    Decoder decoder = new Decoder(checkpoint.spec(), checkpoint.weights(), backend.kernels());
    this.engine =
        new Engine(
            decoder,
            backend,
            EngineOptions.DEFAULT.withoutPrefixCache(),
            Set.of(),
            NoText::new,
            checkpoint.summary().bytes(),
            new EngineHooks(io.sparkllama4.backend.Probe.NONE, steps));
  }

  /// Text plays no part in the measured time.
  private static final class NoText implements io.sparkllama4.engine.OutputText {
    @Override
    public String append(int id) {
      return "";
    }

    @Override
    public String finish() {
      return "";
    }
  }

  /// Adds up the steps in which all sequences of a case generate.
  private static final class FullSteps implements StepListener {
    private volatile int width;
    private final AtomicLong tokens = new AtomicLong();
    private final AtomicLong nanos = new AtomicLong();

    void start(int rows) {
      tokens.set(0);
      nanos.set(0);
      width = rows;
    }

    @Override
    public void stepped(StepReport report) {
      if (report.decodeTokens() == width && report.prefillTokens() == 0) {
        tokens.addAndGet(report.decodeTokens());
        nanos.addAndGet(report.nanos());
      }
    }

    double tokensPerSecond() {
      return tokens.get() / (nanos.get() * 1e-9);
    }
  }

  /// Tokens per second of one prompt of `length` tokens, up to and with its first output token.
  public double prefill(int length) throws InterruptedException {
    long start = System.nanoTime();
    answer(List.of(prompt(PREFILL_SEED, length)), 1);
    return length / ((System.nanoTime() - start) * 1e-9);
  }

  /// Tokens per second of `sequences` sequences that generate `tokens` tokens each, side by side,
  /// behind prompts of `promptLength` tokens; the steps in which all of them take part.
  public double decode(int sequences, int promptLength, int tokens) throws InterruptedException {
    List<int[]> prompts = new ArrayList<>();
    for (int s = 0; s < sequences; s++) {
      prompts.add(prompt(SEQUENCE_SEED + s, promptLength));
    }
    steps.start(sequences);
    answer(prompts, tokens);
    return steps.tokensPerSecond();
  }

  private void answer(List<int[]> prompts, int tokens) throws InterruptedException {
    Submission submission = engine.submit(new Prompts(prompts, tokens), "bench");
    for (int row = 0; row < prompts.size(); row++) {
      submission
          .await(row)
          .error()
          .ifPresent(
              error -> {
                throw new IllegalStateException("A row of the benchmark failed: " + error);
              });
    }
  }

  /// Rows of ids with one number of tokens.
  private record Prompts(List<int[]> prompts, int tokens) implements PromptBatch {
    @Override
    public int rows() {
      return prompts.size();
    }

    @Override
    public int promptTokens(int row) {
      return prompts.get(row).length;
    }

    @Override
    public void copyPrompt(int row, int[] target) {
      System.arraycopy(prompts.get(row), 0, target, 0, prompts.get(row).length);
    }

    @Override
    public Task task(int row) {
      SamplingParams d = SamplingParams.DEFAULT;
      return new Generate(
          new SamplingParams(
              tokens, 0, 1, 0, 0, 0, 0, 1, 0, List.of(), List.of(), true, d.logprobs()));
    }
  }

  /// Ids of a linear congruential generator (Knuth's constants for 64 bits) that starts at `seed`.
  private int[] prompt(long seed, int length) {
    int[] ids = new int[length];
    long state = seed;
    for (int i = 0; i < length; i++) {
      state = state * 6364136223846793005L + 1442695040888963407L;
      ids[i] = (int) Long.remainderUnsigned(state >>> 33, vocabulary);
    }
    return ids;
  }

  @Override
  public void close() {
    engine.close();
  }
}
