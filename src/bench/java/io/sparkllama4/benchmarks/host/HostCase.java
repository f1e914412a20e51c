package io.sparkllama4.benchmarks.host;

import io.sparkllama4.engine.SamplingParams;
import java.util.List;

/// What is measured.
///
/// @param sequences that decode side by side
/// @param prompt tokens of each prompt
/// @param tokens that each generates in a round
/// @param warmUp rounds that do not count
/// @param rounds that count
/// @param isSampled whether tokens are drawn, with temperature, top-p and penalties, rather than
///     greedy
record HostCase(int sequences, int prompt, int tokens, int warmUp, int rounds, boolean isSampled) {
  HostCase {
    require("--sequences", sequences, 1);
    require("--prompt", prompt, 1);
    // The first step of a shape runs plainly, the second is recorded, others are played.
    require("--tokens", tokens, 4);
    require("--warm-up", warmUp, 0);
    require("--rounds", rounds, 1);
  }

  private static void require(String option, int value, int least) {
    if (value < least) {
      throw new IllegalArgumentException(
          "Option " + option + " cannot be [" + value + "]: at least " + least);
    }
  }

  /// The longest context.
  int context() {
    return prompt + tokens;
  }

  /// How rows that generate so many tokens are continued.
  SamplingParams params(int generated) {
    List<String> noTexts = List.of();
    List<Integer> noIds = List.of();
    return isSampled
        ? new SamplingParams(generated, 0.8, 0.95, 0, 0, 0.2, 0, 1.1, 7, noTexts, noIds, true, -1)
        : new SamplingParams(generated, 0, 1, 0, 0, 0, 0, 1, 7, noTexts, noIds, true, -1);
  }
}
