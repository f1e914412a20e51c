package io.sparkllama4.rows;

import io.sparkllama4.engine.TokenLogprob;
import java.util.List;

/// Which of some labels is the most probable.
///
/// @param names the labels
/// @param tokens how many tokens each has
/// @param perToken whether labels are compared by their log-probability per token, not in total
record LabelScores(List<String> names, List<Integer> tokens, boolean perToken) {
  /// No label.
  static final LabelScores NONE = new LabelScores(List.of(), List.of(), false);

  /// The label with the highest log-probability, the first of them on a tie.
  ///
  /// @param logprobs those of each token of each label, one label behind the other
  String best(List<TokenLogprob> logprobs) {
    String best = "";
    double highest = Double.NEGATIVE_INFINITY;
    int at = 0;
    for (int label = 0; label < names.size(); label++) {
      int end = at + tokens.get(label);
      // Summed as llama4_score sums, so that the two agree to the last bit.
      double score = 0;
      for (; at < end; at++) {
        score += logprobs.get(at).logprob();
      }
      score = perToken ? score / tokens.get(label) : score;
      if (score > highest || label == 0) {
        highest = score;
        best = names.get(label);
      }
    }
    return best;
  }
}
