package io.sparkllama4.engine;

import java.util.List;
import java.util.Optional;

/// What became of one row.
///
/// @param ids the output, a stop id included
/// @param text the output's text, without stop id, stop text and special tokens
/// @param end why it ended
/// @param usage what it took
/// @param logprobs one for each token of the output where they were asked for; for a scored prompt,
///     one for each position from the first that is scored: the token there, its log-probability
///     given the earlier ones (0 at position 0), and the best tokens for the position behind it;
///     for a choice, one for each token of each continuation, one continuation behind the other,
///     see [PromptBatch.Scores]
@SuppressWarnings("ArrayRecordComponent") // Handed over once; compared by content in tests alone.
public record Completion(
    int[] ids, String text, End end, Usage usage, List<TokenLogprob> logprobs) {

  /// Why an output ended.
  public sealed interface End {
    /// The word for it: stop, length or error.
    String reason();
  }

  /// A stop id of the model or of the row.
  public record StopId(int id) implements End {
    @Override
    public String reason() {
      return "stop";
    }
  }

  /// A stop text of the row.
  public record StopText(String text) implements End {
    @Override
    public String reason() {
      return "stop";
    }
  }

  /// The row's max_tokens, or the longest sequence that the model knows.
  public record Length() implements End {
    @Override
    public String reason() {
      return "length";
    }
  }

  /// It has no answer.
  public record Failed(RowError error) implements End {
    @Override
    public String reason() {
      return "error";
    }
  }

  /// What a row took.
  ///
  /// @param promptTokens tokens of the prompt; for a choice, also those of its continuations that
  ///     were computed
  /// @param cachedTokens those whose keys and values were reused
  /// @param completionTokens tokens of the output
  /// @param prefillNanos its share of the time of steps, for its prompt
  /// @param decodeNanos its share of the time of steps, for its output
  public record Usage(
      int promptTokens,
      int cachedTokens,
      int completionTokens,
      long prefillNanos,
      long decodeNanos) {}

  /// A row without an answer, of which nothing was computed.
  public static Completion failed(RowError error, int promptTokens) {
    return failed(error, promptTokens, 0);
  }

  static Completion failed(RowError error, int promptTokens, int cachedTokens) {
    Usage usage = new Usage(promptTokens, cachedTokens, 0, 0, 0);
    return new Completion(new int[0], "", new Failed(error), usage, List.of());
  }

  /// Why there is no answer, if there is none.
  public Optional<RowError> error() {
    return end instanceof Failed(RowError error) ? Optional.of(error) : Optional.empty();
  }
}
