package io.sparkllama4.spark;

import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.Engine;
import io.sparkllama4.engine.PromptBatch;
import java.util.List;

/// A row that an engine is asked past Spark.
///
/// @param ids its prompt
/// @param task what is wanted
@SuppressWarnings("ArrayRecordComponent") // Nobody compares it.
record OneRow(int[] ids, PromptBatch.Task task) implements PromptBatch {
  /// The log-probabilities of all of `ids`, 0 for the first.
  static List<Double> scores(Engine engine, int[] ids) throws InterruptedException {
    Completion completion = engine.submit(new OneRow(ids, new Score(0, 0)), "test").await(0);
    return completion.logprobs().stream().map(token -> (double) token.logprob()).toList();
  }

  @Override
  public int rows() {
    return 1;
  }

  @Override
  public int promptTokens(int row) {
    return ids.length;
  }

  @Override
  public void copyPrompt(int row, int[] target) {
    System.arraycopy(ids, 0, target, 0, ids.length);
  }

  @Override
  public Task task(int row) {
    return task;
  }
}
