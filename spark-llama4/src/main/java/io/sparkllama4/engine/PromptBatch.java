package io.sparkllama4.engine;

import java.util.Arrays;
import java.util.List;

/// Rows on their way into an engine, which copies what it needs during [Engine#submit] and keeps no
/// reference. Callers implement it over whatever holds their token ids.
public interface PromptBatch {
  /// The number of rows.
  int rows();

  /// The number of prompt tokens of `row`, at least 1.
  int promptTokens(int row);

  /// Copies the prompt of `row` to the front of `target`.
  void copyPrompt(int row, int[] target);

  /// How `row` is answered.
  Task task(int row);

  /// How long `row` may take from its submission, in nanoseconds; 0 where it may take any time.
  default long timeoutNanos(int row) {
    return 0;
  }

  /// What is wanted of a row.
  sealed interface Task {}

  /// A continuation.
  ///
  /// @param params how
  record Generate(SamplingParams params) implements Task {}

  /// The log-probability of the prompt's own tokens, from one on.
  ///
  /// @param first position of the first token that is scored, at least 0
  /// @param alternatives how many of the best tokens are wanted for each position, at least 0
  record Score(int first, int alternatives) implements Task {}

  /// The log-probability of each of several continuations of the prompt, which is computed once.
  ///
  /// @param continuations token ids, at least one of each; they may be equal or begin alike
  record Choose(List<int[]> continuations) implements Task {
    /// Copies the list.
    public Choose {
      continuations = List.copyOf(continuations);
    }

    /// The number of tokens of the longest continuation.
    public int longest() {
      return continuations.stream().mapToInt(tokens -> tokens.length).max().orElse(0);
    }

    /// Equal where the ids are.
    @Override
    public boolean equals(Object other) {
      return other instanceof Choose(List<int[]> others)
          && Arrays.deepEquals(continuations.toArray(), others.toArray());
    }

    @Override
    public int hashCode() {
      return Arrays.deepHashCode(continuations.toArray());
    }
  }
}
