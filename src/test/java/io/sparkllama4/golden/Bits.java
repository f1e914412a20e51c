package io.sparkllama4.golden;

import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.TokenLogprob;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/// Answers as texts that differ where a bit does.
final class Bits {
  private Bits() {}

  /// Ids, text, end, and every bit of the log-probabilities.
  static String of(Completion answer) {
    return answer.logprobs().stream()
        .map(Bits::of)
        .collect(
            Collectors.joining(
                " ", Arrays.toString(answer.ids()) + answer.text() + answer.end() + " ", ""));
  }

  private static String of(TokenLogprob logprob) {
    return logprob.alternatives().stream()
        .map(a -> a.id() + ":" + Float.floatToRawIntBits(a.logprob()))
        .collect(
            Collectors.joining(
                ",", logprob.id() + ":" + Float.floatToRawIntBits(logprob.logprob()) + ",", ""));
  }

  /// Those of each answer.
  static List<String> of(List<Completion> answers) {
    return answers.stream().map(Bits::of).toList();
  }
}
