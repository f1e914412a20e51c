package io.sparkllama4.engine;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;

/// How an engine batches.
///
/// @param maxBatch most sequences in a step
/// @param prefillChunk most prompt tokens of one sequence in a step; 0 for all of them
/// @param kvTokens size of the KV cache in tokens; 0 to derive it from free memory
/// @param prefixCache whether rows that begin alike share what was computed for it
/// @param speculation whether tokens of outputs are guessed and several verified in one step
public record EngineOptions(
    int maxBatch,
    int prefillChunk,
    int kvTokens,
    boolean prefixCache,
    SpeculationMode speculation) {
  /// The defaults of the command line and of the plugin.
  public static final EngineOptions DEFAULT = new EngineOptions(256, 512, 0);

  /// With a prefix cache, and speculation where it pays.
  public EngineOptions(int maxBatch, int prefillChunk, int kvTokens) {
    this(maxBatch, prefillChunk, kvTokens, true, SpeculationMode.AUTO);
  }

  /// @throws io.sparkllama4.error.Llama4Exception with INVALID_OPTION
  public EngineOptions {
    require(maxBatch >= 1, "max-batch", maxBatch, "at least 1");
    require(prefillChunk >= 0, "prefill-chunk", prefillChunk, "0 (all) or more");
    require(kvTokens >= 0, "kv-tokens", kvTokens, "at least 1");
  }

  private static void require(boolean holds, String option, int found, String expected) {
    if (!holds) {
      throw ErrorReport.of(
              ErrorCode.INVALID_OPTION, "Option [" + option + "] cannot be [" + found + "]")
          .found(found, expected)
          .key("--" + option)
          .exception();
    }
  }

  /// The same without a prefix cache and without speculation: each token of each row is computed,
  /// in a place of its own.
  public EngineOptions withoutShortcuts() {
    return new EngineOptions(maxBatch, prefillChunk, kvTokens, false, SpeculationMode.OFF);
  }

  /// The same without speculation.
  public EngineOptions withoutSpeculation() {
    return new EngineOptions(maxBatch, prefillChunk, kvTokens, prefixCache, SpeculationMode.OFF);
  }

  /// The same with at most `sequences` sequences in a step.
  public EngineOptions withMaxBatch(int sequences) {
    return new EngineOptions(sequences, prefillChunk, kvTokens, prefixCache, speculation);
  }

  /// Tokens that a step should not exceed: enough that every weight is used often, few enough that
  /// sequences which are generating do not wait long, and one for each of these in any case.
  int stepTokens() {
    return Math.max(Math.max(2048, prefillChunk), maxBatch);
  }
}
