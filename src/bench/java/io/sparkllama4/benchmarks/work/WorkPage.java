package io.sparkllama4.benchmarks.work;

import io.sparkllama4.runtime.plan.PlanRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Fills `docs/gpu.md` with what each kernel moves and computes in steps of published models, and
/// what of the roofline that leaves.
public final class WorkPage {
  static final String BEGIN = "<!-- Work: written by bin/performance -->\n";
  static final String END = "<!-- End of the work -->\n";
  static final String PAGE = "gpu.md";

  private static final int SEQUENCES = 64;
  private static final int DECODE_CONTEXT = 1024;
  private static final int PROMPT = 2048;

  private WorkPage() {}

  /// Writes the page.
  ///
  /// @param args the directory of the documentation
  public static void main(String[] args) throws IOException {
    if (args.length != 1) {
      throw new IllegalArgumentException("Give the directory of the documentation");
    }
    Path page = Path.of(args[0]).resolve(PAGE);
    Files.writeString(page, into(Files.readString(page)));
  }

  /// `page` with the tables between its two markers.
  static String into(String page) {
    int begin = page.indexOf(BEGIN);
    int end = page.indexOf(END);
    if (begin < 0 || end < begin) {
      throw new IllegalArgumentException(PAGE + " lacks the line " + BEGIN + " or " + END);
    }
    String tables = String.join("\n", lines());
    return page.substring(0, begin) + BEGIN + "\n" + tables + "\n\n" + page.substring(end);
  }

  private static List<String> lines() {
    List<String> lines = new ArrayList<>();
    model(lines, "scout", "1xH100", "int4");
    lines.add("");
    model(lines, "maverick", "8xH100", "fp8");
    return lines;
  }

  private static void model(List<String> lines, String model, String gpus, String weights) {
    PlanRequest decode = StepCase.request(model, gpus, weights, DECODE_CONTEXT);
    table(
        lines,
        String.format(
            Locale.ROOT,
            "%s, %s weights, fp8 cache, on %s: %d sequences of %,d tokens generate a token each",
            model,
            weights,
            gpus,
            SEQUENCES,
            DECODE_CONTEXT),
        StepCase.decode(decode, SEQUENCES, 2),
        StepCase.decode(decode, SEQUENCES, 1));
    lines.add("");
    PlanRequest prefill = StepCase.request(model, gpus, weights, PROMPT);
    table(
        lines,
        String.format(Locale.ROOT, "%s likewise: a prompt of %,d tokens", model, PROMPT),
        StepCase.prefill(prefill, 2),
        StepCase.prefill(prefill, 1));
  }

  private static void table(List<String> lines, String title, StepCase strict, StepCase loose) {
    List<StepWork.Entry> entries = StepWork.of(strict);
    double total = seconds(strict);
    lines.add("**" + title + "**");
    lines.add("");
    lines.add(
        "| kernel | launches | MB of memory | MB loaded | GFLOP | at least, \u00b5s | part |");
    lines.add("|---|---|---|---|---|---|---|");
    for (StepWork.Entry entry : entries) {
      double seconds = entry.seconds(strict.card());
      String[] name = entry.kernel().split(", ", 2);
      lines.add(
          String.format(
              Locale.ROOT,
              "| `%s`%s | %d | %,.1f | %,.1f | %,.2f | %,.1f | %.1f %% |",
              name[0],
              name.length > 1 ? ", " + name[1] : "",
              entry.launches(),
              entry.bytes() / 1e6,
              entry.loads() / 1e6,
              entry.flops() / 1e9,
              seconds * 1e6,
              100 * seconds / total));
    }
    lines.add(
        String.format(
            Locale.ROOT,
            "| all | %d | %,.1f | %,.1f | %,.2f | %,.1f | |",
            entries.stream().mapToLong(StepWork.Entry::launches).sum(),
            entries.stream().mapToDouble(StepWork.Entry::bytes).sum() / 1e6,
            entries.stream().mapToDouble(StepWork.Entry::loads).sum() / 1e6,
            entries.stream().mapToDouble(StepWork.Entry::flops).sum() / 1e9,
            total * 1e6));
    lines.add("");
    lines.add(
        String.format(
            Locale.ROOT,
            "`plan` gives the step %,.1f \u00b5s: kernels, each at the rates of the card, reach %.0f %% of"
                + " the roofline, and %.0f %% with `--strict false`.",
            strict.roofline() * 1e6,
            100 * strict.roofline() / total,
            100 * loose.roofline() / seconds(loose)));
  }

  private static double seconds(StepCase step) {
    return StepWork.of(step).stream().mapToDouble(e -> e.seconds(step.card())).sum();
  }
}
