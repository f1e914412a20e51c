package io.sparkllama4.cli.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Single cases for whoever has little time: one run to get warm, and the median of a few.
public final class QuickSpeeds {
  private static final int RUNS = 3;

  /// Tokens of each sequence that decodes.
  private static final int PROMPT = 128;

  private QuickSpeeds() {}

  /// How fast a case was.
  ///
  /// @param tokensPerSecond of prompts, or of outputs
  /// @param flops of matrices, per second
  /// @param bytes of weights that were read per second, where they were counted
  public record Speed(double tokensPerSecond, double flops, Optional<Double> bytes) {}

  /// A prompt of `tokens` tokens, up to and with its first output token.
  public static Speed prefill(BenchModel model, int tokens) throws InterruptedException {
    return of(model, new PrefillCase(tokens));
  }

  /// `steps` steps of `sequences` sequences behind prompts of their own.
  public static Speed decode(BenchModel model, int sequences, int steps)
      throws InterruptedException {
    return of(model, new DecodeCase(sequences, PROMPT, steps));
  }

  private static Speed of(BenchModel model, Case measured) throws InterruptedException {
    model.observe(true);
    double bytesPerToken;
    try {
      bytesPerToken = measured.run(model).bytesPerToken();
    } finally {
      model.observe(false);
    }
    List<Double> speeds = new ArrayList<>();
    List<Double> flops = new ArrayList<>();
    for (int i = 0; i < RUNS; i++) {
      Sample sample = measured.run(model);
      speeds.add(sample.tokensPerSecond());
      flops.add(sample.flopsPerToken() * sample.tokensPerSecond());
    }
    double speed = Measured.median(speeds);
    Optional<Double> bytes =
        bytesPerToken == 0 ? Optional.empty() : Optional.of(bytesPerToken * speed);
    return new Speed(speed, Measured.median(flops), bytes);
  }
}
