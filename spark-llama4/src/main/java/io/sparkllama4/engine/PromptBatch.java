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

  /// What is wanted of several continuations.
  enum Scores {
    /// The log-probability of each.
    ALL,
    /// That of the most probable in total. Another one is left where it cannot become as probable:
    /// its tokens that were not computed have no log-probability but negative infinity.
    BEST_TOTAL,
    /// The same, by log-probability per token.
    BEST_PER_TOKEN
  }

  /// The log-probability of several continuations of the prompt, which is computed once.
  ///
  /// @param continuations token ids, at least one of each; they may be equal or begin alike
  /// @param scores which of them are wanted
  record Choose(List<int[]> continuations, Scores scores) implements Task {
    /// Copies the list.
    public Choose {
      continuations = List.copyOf(continuations);
    }

    /// All scores of `continuations`.
    public Choose(List<int[]> continuations) {
      this(continuations, Scores.ALL);
    }

    /// The number of tokens of the longest continuation.
    public int longest() {
      return continuations.stream().mapToInt(tokens -> tokens.length).max().orElse(0);
    }

    /// Equal where the ids are.
    @Override
    public boolean equals(Object other) {
      return other instanceof Choose(List<int[]> others, Scores otherScores)
          && scores == otherScores
          && Arrays.deepEquals(continuations.toArray(), others.toArray());
    }

    @Override
    public int hashCode() {
      return 31 * scores.hashCode() + Arrays.deepHashCode(continuations.toArray());
    }
  }
}
