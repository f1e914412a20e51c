package io.sparkllama4.cli;

import io.sparkllama4.cli.bench.BenchPlan;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/// The options of `bench` that say what is measured. Names and defaults are those of benchmarks of
/// other engines; only the long rows must be asked for.
final class BenchOptions {
  @Option(
      names = "--prefill",
      paramLabel = "N,...",
      description = "Prompt lengths, '' for none (default: ${DEFAULT-VALUE}).",
      defaultValue = "128,512,2048")
  private String prefill = "";

  @Option(
      names = "--decode",
      paramLabel = "N,...",
      description = "Numbers of sequences side by side, '' for none (default: ${DEFAULT-VALUE}).",
      defaultValue = "1,8,64")
  private String decode = "";

  @Option(
      names = "--prompt",
      paramLabel = "N",
      defaultValue = "128",
      description = "Prompt tokens of each decoded sequence (default: ${DEFAULT-VALUE}).")
  private int prompt;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "64",
      description = "Tokens decoded of each sequence (default: ${DEFAULT-VALUE}).")
  private int tokens;

  @Option(
      names = "--rows",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "Rows that begin with the same instruction, measured with it computed for each row and"
              + " once (default: none).")
  private int rows;

  @Option(
      names = "--classify",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "Rows that get one of eight labels, measured by scoring the labels and by generation, with"
              + " the instruction computed for each row and once (default: none).")
  private int classify;

  @Option(
      names = "--shared-prefix",
      paramLabel = "N",
      defaultValue = "500",
      description = "Tokens of the rows' instruction (default: ${DEFAULT-VALUE}).")
  private int sharedPrefix;

  @Option(
      names = "--own",
      paramLabel = "N",
      defaultValue = "50",
      description = "Tokens of a row behind the instruction (default: ${DEFAULT-VALUE}).")
  private int own;

  @Option(
      names = "--out",
      paramLabel = "N",
      defaultValue = "16",
      description = "Tokens generated for each row (default: ${DEFAULT-VALUE}).")
  private int out;

  @Option(
      names = "--row-batch",
      paramLabel = "N",
      defaultValue = "64",
      description = "Rows in flight (default: ${DEFAULT-VALUE}).")
  private int rowBatch;

  @Option(
      names = "--label-tokens",
      paramLabel = "N",
      defaultValue = "4",
      description = "Tokens of each label (default: ${DEFAULT-VALUE}).")
  private int labelTokens;

  @Option(
      names = "--repeat",
      paramLabel = "N",
      defaultValue = "5",
      description = "Rounds over prefill and decode (default: ${DEFAULT-VALUE}).")
  private int repeat;

  @Option(
      names = "--row-repeat",
      paramLabel = "N",
      defaultValue = "1",
      description = "Rounds over cases of rows, which are long (default: ${DEFAULT-VALUE}).")
  private int rowRepeat;

  @Option(
      names = "--ceilings",
      paramLabel = "true|false",
      arity = "1",
      defaultValue = "true",
      description =
          "Measure the machine's ceilings beside each case; they take 0.5 GB of memory"
              + " (default: ${DEFAULT-VALUE}).")
  private boolean ceilings;

  /// What is measured.
  ///
  /// @param maxBatch the most sequences in a step
  /// @throws CommandFailures.UsageException where a value is none of its option's
  BenchPlan plan(int maxBatch) {
    OptionValues.requireAtLeast("--prompt", prompt, 1);
    OptionValues.requireAtLeast("--tokens", tokens, 1);
    OptionValues.requireAtLeast("--rows", rows, 0);
    OptionValues.requireAtLeast("--classify", classify, 0);
    OptionValues.requireAtLeast("--shared-prefix", sharedPrefix, 0);
    OptionValues.requireAtLeast("--own", own, 1);
    OptionValues.requireAtLeast("--out", out, 1);
    OptionValues.requireAtLeast("--row-batch", rowBatch, 1);
    OptionValues.requireAtLeast("--label-tokens", labelTokens, 1);
    OptionValues.requireAtLeast("--repeat", repeat, 1);
    OptionValues.requireAtLeast("--row-repeat", rowRepeat, 1);
    List<Integer> sequences = numbers("--decode", decode);
    for (int n : sequences) {
      if (n > maxBatch) {
        throw OptionValues.wrong(
            "--decode", n, "at most " + maxBatch + ", the value of --max-batch");
      }
    }
    return new BenchPlan(
        numbers("--prefill", prefill),
        sequences,
        prompt,
        tokens,
        rows,
        classify,
        new BenchPlan.RowShape(sharedPrefix, own, out, rowBatch, labelTokens),
        new BenchPlan.Repeats(repeat, rowRepeat, ceilings));
  }

  private static List<Integer> numbers(String option, String text) {
    List<Integer> numbers = new ArrayList<>();
    for (String part : text.split(",", -1)) {
      if (part.isBlank()) {
        continue;
      }
      try {
        numbers.add(Integer.valueOf(part.strip()));
      } catch (NumberFormatException e) {
        throw OptionValues.wrong(option, part, "integers with commas between them");
      }
      OptionValues.requireAtLeast(option, numbers.getLast(), 1);
    }
    return numbers;
  }
}
