package io.sparkllama4.cli;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Unmatched;

/// `plan`: not built yet, and says so.
@Command(
    name = "plan",
    mixinStandardHelpOptions = true,
    description = "Plans a model's memory on GPUs (not built yet).")
public final class PlanCommand implements Callable<Integer> {
  @Unmatched private List<String> anything = List.of();

  @Parameters(hidden = true)
  private List<String> words = List.of();

  @Override
  public Integer call() {
    throw ErrorReport.of(ErrorCode.UNSUPPORTED_FEATURE, "The command [plan] is not built yet")
        .found(
            "plan " + String.join(" ", anything) + String.join(" ", words),
            "demo, generate, score, info, sql, bench")
        .key("plan")
        .exception();
  }
}
