package io.sparkllama4.cli.bench;

import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.Engine;
import io.sparkllama4.engine.PromptBatch;
import io.sparkllama4.engine.SamplingParams;
import io.sparkllama4.engine.Submission;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import java.util.ArrayList;
import java.util.List;

/// Rows of ids, of which the same is wanted.
///
/// @param prompts one a row
/// @param task what is wanted of each
public record Rows(List<int[]> prompts, Task task) implements PromptBatch {

  /// Rows that are continued greedily by exactly `tokens` tokens.
  static Rows generate(List<int[]> prompts, int tokens) {
    SamplingParams params =
        new SamplingParams(
            tokens, 0, 1, 0, 0, 0, 0, 1, 0, List.of(), List.of(), true, SamplingParams.NO_LOGPROBS);
    return new Rows(prompts, new Generate(params));
  }

  @Override
  public int rows() {
    return prompts.size();
  }

  @Override
  public int promptTokens(int row) {
    return prompts.get(row).length;
  }

  @Override
  public void copyPrompt(int row, int[] target) {
    System.arraycopy(prompts.get(row), 0, target, 0, prompts.get(row).length);
  }

  @Override
  public Task task(int row) {
    return task;
  }

  /// Hands the rows to `engine` and waits for all answers.
  public List<Completion> answers(Engine engine) throws InterruptedException {
    Submission submission = engine.submit(this, "bench");
    List<Completion> answers = new ArrayList<>(rows());
    for (int row = 0; row < rows(); row++) {
      answers.add(requireAnswer(submission.await(row)));
    }
    return answers;
  }

  /// The answer, which must be one.
  static Completion requireAnswer(Completion completion) {
    completion
        .error()
        .ifPresent(
            error -> {
              ErrorReport report =
                  ErrorReport.of(
                      error.code(), "A row that was made for this run failed: " + error.message());
              throw error.code() == ErrorCode.NOT_ENOUGH_MEMORY
                  ? report.key("--kv-tokens").exception()
                  : report.exception();
            });
    return completion;
  }
}
