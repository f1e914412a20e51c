package io.sparkllama4.engine;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import java.util.List;

/// How one row is continued. The names and meanings are those that the field shares; every number
/// is checked here and nowhere else.
///
/// @param maxTokens most tokens of the output, at least 1
/// @param temperature divisor of the logits, at least 0; 0 is greedy
/// @param topP probability mass that is kept, above 0, at most 1
/// @param topK candidates that are kept; 0 for all
/// @param minP least probability that is kept, relative to the best, 0 to 1
/// @param presencePenalty subtracted once from the logit of a token of the output, -2 to 2
/// @param frequencyPenalty subtracted for each occurrence in the output, -2 to 2
/// @param repetitionPenalty divides positive and multiplies negative logits of tokens that occurred
///     in prompt or output, above 0; 1 changes nothing
/// @param seed decides every random choice
/// @param stopTexts texts that end the output, none of them empty
/// @param stopIds tokens that end the output, besides those of the model
/// @param ignoresEos whether the model's own stop ids are tokens like others
/// @param logprobs alternatives to report with the log-probability of each token; [#NO_LOGPROBS]
///     for no report at all
public record SamplingParams(
    int maxTokens,
    double temperature,
    double topP,
    int topK,
    double minP,
    double presencePenalty,
    double frequencyPenalty,
    double repetitionPenalty,
    long seed,
    List<String> stopTexts,
    List<Integer> stopIds,
    boolean ignoresEos,
    int logprobs) {

  /// No log-probabilities.
  public static final int NO_LOGPROBS = -1;

  /// The most alternatives that can be asked for.
  public static final int MOST_LOGPROBS = 1000;

  /// Greedy, up to 256 tokens.
  public static final SamplingParams DEFAULT =
      new SamplingParams(256, 0, 1, 0, 0, 0, 0, 1, 0, List.of(), List.of(), false, NO_LOGPROBS);

  /// @throws io.sparkllama4.error.Llama4Exception with INVALID_OPTION and the option's name as its
  ///     key
  public SamplingParams {
    stopTexts = List.copyOf(stopTexts);
    stopIds = List.copyOf(stopIds);
    require(maxTokens >= 1, "max_tokens", maxTokens, "an integer of at least 1");
    require(
        temperature >= 0 && Double.isFinite(temperature), "temperature", temperature, "0 or more");
    require(topP > 0 && topP <= 1, "top_p", topP, "above 0, at most 1");
    require(topK >= 0, "top_k", topK, "0 (all) or more");
    require(minP >= 0 && minP <= 1, "min_p", minP, "0 to 1");
    require(Math.abs(presencePenalty) <= 2, "presence_penalty", presencePenalty, "-2 to 2");
    require(Math.abs(frequencyPenalty) <= 2, "frequency_penalty", frequencyPenalty, "-2 to 2");
    require(
        repetitionPenalty > 0 && Double.isFinite(repetitionPenalty),
        "repetition_penalty",
        repetitionPenalty,
        "above 0");
    require(
        logprobs >= NO_LOGPROBS && logprobs <= MOST_LOGPROBS,
        "logprobs",
        logprobs,
        "0 to " + MOST_LOGPROBS);
    for (String text : stopTexts) {
      require(!text.isEmpty(), "stop", "an empty text", "texts that are not empty");
    }
    for (int id : stopIds) {
      require(id >= 0, "stop_id", id, "token ids");
    }
  }

  private static void require(boolean holds, String option, Object found, String expected) {
    if (!holds) {
      throw ErrorReport.of(
              ErrorCode.INVALID_OPTION, "Option [" + option + "] cannot be [" + found + "]")
          .found(found, expected)
          .key(option)
          .exception();
    }
  }

  /// True where occurrences of tokens change logits.
  boolean hasPenalties() {
    return presencePenalty != 0 || frequencyPenalty != 0 || repetitionPenalty != 1;
  }
}
