package io.sparkllama4.golden;

import io.sparkllama4.engine.PromptBatch;
import io.sparkllama4.engine.SamplingParams;
import java.util.ArrayList;
import java.util.List;

/// Rows of token ids for an engine.
final class Rows implements PromptBatch {
  private final List<List<Integer>> prompts = new ArrayList<>();
  private final List<Task> tasks = new ArrayList<>();

  /// Adds a row that is continued.
  Rows generate(List<Integer> ids, SamplingParams params) {
    prompts.add(ids);
    tasks.add(new Generate(params));
    return this;
  }

  /// Adds a row that is scored.
  Rows score(List<Integer> ids, int alternatives) {
    prompts.add(ids);
    tasks.add(new Score(0, alternatives));
    return this;
  }

  /// Adds a row whose last tokens, from `first` on, are scored.
  Rows score(List<Integer> ids, int first, int alternatives) {
    prompts.add(ids);
    tasks.add(new Score(first, alternatives));
    return this;
  }

  /// Adds a row that chooses between continuations.
  Rows choose(List<Integer> ids, List<int[]> continuations) {
    return choose(ids, continuations, Scores.ALL);
  }

  /// Adds a row that chooses between continuations, of which some scores are wanted.
  Rows choose(List<Integer> ids, List<int[]> continuations, Scores scores) {
    prompts.add(ids);
    tasks.add(new Choose(continuations, scores));
    return this;
  }

  /// Greedy, stop ids ignored, with the log-probability of each token.
  static SamplingParams greedy(int tokens) {
    return new SamplingParams(tokens, 0, 1, 0, 0, 0, 0, 1, 0, List.of(), List.of(), true, 1);
  }

  /// Everything random at once.
  static SamplingParams seeded(int tokens, long seed) {
    return new SamplingParams(
        tokens, 0.8, 0.95, 40, 0.01, 0.3, 0.2, 1.1, seed, List.of(), List.of(), true, 3);
  }

  @Override
  public int rows() {
    return prompts.size();
  }

  @Override
  public int promptTokens(int row) {
    return prompts.get(row).size();
  }

  @Override
  public void copyPrompt(int row, int[] target) {
    for (int i = 0; i < prompts.get(row).size(); i++) {
      target[i] = prompts.get(row).get(i);
    }
  }

  @Override
  public Task task(int row) {
    return tasks.get(row);
  }
}
