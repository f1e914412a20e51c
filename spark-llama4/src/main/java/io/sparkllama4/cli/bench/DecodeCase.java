package io.sparkllama4.cli.bench;

import io.sparkllama4.engine.Submission;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// Sequences side by side that generate behind prompts of their own: the steps in which all of them
/// take part and no prompt does.
///
/// @param n sequences
/// @param prompt tokens of each prompt
/// @param tokens steps that are measured
record DecodeCase(int n, int prompt, int tokens) implements Case {
  private static final long LOOK_MILLIS = 20;

  @Override
  public String name() {
    return "decode";
  }

  @Override
  public boolean warmsUp() {
    return true;
  }

  @Override
  public Sample run(BenchModel model) throws InterruptedException {
    List<int[]> prompts = new ArrayList<>();
    for (int s = 0; s < n; s++) {
      prompts.add(model.ids().sequence(s, prompt));
    }
    // Those whose prompts come first generate while the others' prompts are computed; nobody may
    // end before the measured steps are over.
    Rows rows = Rows.generate(prompts, tokens + n + n * prompt);
    StepClock.Measurement steps =
        model.clock().start(report -> report.rows() == n && report.prefillTokens() == 0, tokens);
    long preemptions = model.engine().stats().preemptions();
    Submission submission = model.engine().submit(rows, "bench");
    boolean isWhole = true;
    while (isWhole && !steps.complete().await(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
      isWhole = !submission.isDone(0) && model.engine().stats().preemptions() == preemptions;
    }
    submission.cancel();
    if (!isWhole) {
      throw incomplete(submission);
    }
    // A row of one token comes to an end only behind a step in which the others are gone.
    var _ = Rows.generate(List.of(model.ids().prefill(1)), 1).answers(model.engine());
    double counted = (double) n * steps.steps();
    return new Sample(
        counted, steps.seconds(), model.work().flops(counted, counted), steps.bytes());
  }

  private RuntimeException incomplete(Submission submission) {
    submission.answer(0).ifPresent(Rows::requireAnswer);
    return ErrorReport.of(
            ErrorCode.NOT_ENOUGH_MEMORY,
            "The [" + n + "] sequences did not all take part in [" + tokens + "] steps")
        .found(
            submission.isDone(0) ? "the first one ended before" : "some gave their memory up",
            "keys and values of "
                + (long) n * (prompt + tokens)
                + " tokens and more, and max_position_embeddings well above "
                + (prompt + tokens))
        .key("--kv-tokens")
        .exception();
  }
}
