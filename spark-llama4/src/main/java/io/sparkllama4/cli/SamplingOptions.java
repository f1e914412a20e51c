package io.sparkllama4.cli;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.runtime.GenerationOptions;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// The options of `generate` that a line of requests can set as well.
final class SamplingOptions {
  @Option(names = "--raw", description = "Encode prompts as they stand, without a chat template.")
  private boolean raw;

  @Option(names = "--max-tokens", paramLabel = "N", description = "Most tokens of an output (256).")
  private @Nullable String maxTokens;

  @Option(names = "--temperature", paramLabel = "T", description = "0 is greedy (0).")
  private @Nullable String temperature;

  @Option(names = "--top-p", paramLabel = "P", description = "Probability mass kept (1).")
  private @Nullable String topP;

  @Option(names = "--top-k", paramLabel = "K", description = "Candidates kept, 0 for all (0).")
  private @Nullable String topK;

  @Option(names = "--min-p", paramLabel = "P", description = "Least relative probability kept (0).")
  private @Nullable String minP;

  @Option(names = "--seed", paramLabel = "N", description = "Seed (derived from the content).")
  private @Nullable String seed;

  @Option(names = "--stop", paramLabel = "TEXT", description = "A text that ends; repeatable.")
  private List<String> stop = List.of();

  @Option(names = "--stop-id", paramLabel = "N", description = "A token that ends; repeatable.")
  private List<String> stopIds = List.of();

  @Option(names = "--ignore-eos", description = "The model's stop ids do not end.")
  private boolean ignoreEos;

  @Option(names = "--presence-penalty", paramLabel = "X", description = "-2 to 2 (0).")
  private @Nullable String presencePenalty;

  @Option(names = "--frequency-penalty", paramLabel = "X", description = "-2 to 2 (0).")
  private @Nullable String frequencyPenalty;

  @Option(names = "--repetition-penalty", paramLabel = "X", description = "Above 0 (1).")
  private @Nullable String repetitionPenalty;

  @Option(
      names = "--logprobs",
      paramLabel = "K",
      description = "Report log-probabilities, and those of the K best tokens.")
  private @Nullable String logprobs;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      description = "Most time of a row from its submission (any).")
  private @Nullable String timeout;

  @Option(
      names = "--on-long-prompt",
      paramLabel = "POLICY",
      description = "fail, null, truncate_head, truncate_tail or truncate_middle (fail).")
  private @Nullable String onLongPrompt;

  /// The options, checked.
  ///
  /// @throws CommandFailures.UsageException where one is wrong
  GenerationOptions options() {
    try {
      GenerationOptions options = GenerationOptions.NONE;
      options = raw ? options.with("raw", true) : options;
      options = ignoreEos ? options.with("ignore_eos", true) : options;
      options = stop.isEmpty() ? options : options.with("stop", stop);
      options = stopIds.isEmpty() ? options : options.with("stop_id", stopIds);
      options = with(options, "max_tokens", maxTokens);
      options = with(options, "temperature", temperature);
      options = with(options, "top_p", topP);
      options = with(options, "top_k", topK);
      options = with(options, "min_p", minP);
      options = with(options, "seed", seed);
      options = with(options, "presence_penalty", presencePenalty);
      options = with(options, "frequency_penalty", frequencyPenalty);
      options = with(options, "repetition_penalty", repetitionPenalty);
      options = with(options, "logprobs", logprobs);
      options = with(options, "timeout", timeout);
      options = with(options, "on_long_prompt", onLongPrompt);
      options.check();
      return options;
    } catch (Llama4Exception e) {
      if (e.code() != ErrorCode.INVALID_OPTION) {
        throw e;
      }
      String key = "--" + e.report().key().replace('_', '-');
      throw new CommandFailures.UsageException(e.report().key(key));
    }
  }

  private static GenerationOptions with(
      GenerationOptions options, String name, @Nullable String value) {
    return value == null ? options : options.with(name, value);
  }
}
