package io.sparkllama4.rows;

import io.sparkllama4.engine.PromptBatch;
import io.sparkllama4.runtime.GenerationOptions;
import io.sparkllama4.runtime.PromptEncoder;
import java.util.List;

/// What rows with the same labels and options have in common. The rows of a call mostly have, so
/// that labels are encoded once for all of them.
///
/// @param labels from which one is chosen
/// @param options the row's
/// @param text what stands in front of the row's own
/// @param task what the engine is asked
/// @param scores turns its answer into a label
record LabelQuestion(
    Labels labels,
    GenerationOptions options,
    String text,
    PromptBatch.Choose task,
    LabelScores scores) {

  /// Encodes the labels.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with INVALID_OPTION where a description is of no
  ///     label
  static LabelQuestion of(Labels labels, GenerationOptions options, PromptEncoder encoder) {
    labels.requireDescribed(options.descriptions());
    List<int[]> ids = labels.names().stream().map(encoder::alone).toList();
    List<Integer> lengths = ids.stream().map(label -> label.length).toList();
    return new LabelQuestion(
        labels,
        options,
        labels.question(options),
        new PromptBatch.Choose(
            ids,
            options.isPerToken()
                ? PromptBatch.Scores.BEST_PER_TOKEN
                : PromptBatch.Scores.BEST_TOTAL),
        new LabelScores(labels.names(), lengths, options.isPerToken()));
  }

  /// True where it is the question of a row with these.
  boolean isOf(Labels otherLabels, GenerationOptions otherOptions) {
    return labels.equals(otherLabels) && options.equals(otherOptions);
  }
}
