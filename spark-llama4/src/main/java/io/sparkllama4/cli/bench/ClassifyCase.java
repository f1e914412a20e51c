package io.sparkllama4.cli.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.Engine;
import io.sparkllama4.engine.EngineStats;
import io.sparkllama4.engine.PromptBatch;
import io.sparkllama4.engine.TokenLogprob;
import java.util.ArrayList;
import java.util.List;

/// Rows that get one of eight labels: by scoring them behind one computed prompt, or by generating
/// as many tokens as a label and its end have, with the instruction computed for each row or once.
/// Tokens of prompts are counted, which are the same for all, so the ratio of two speeds is that of
/// rows per second. Each run has an engine of its own.
final class ClassifyCase implements Case {
  private static final int LABELS = 8;

  /// Rows whose labels are also scored one by one.
  private static final int CHECKED_ROWS = 8;

  /// What the rows look like.
  ///
  /// @param rows how many
  /// @param shared tokens of the instruction
  /// @param own tokens that each row has for itself
  /// @param label tokens of each label
  public record Shape(int rows, int shared, int own, int label) {
    int promptTokens() {
      return shared + own;
    }
  }

  /// How rows get their labels.
  private enum Way {
    GENERATION_PER_ROW("classify_by_generation_per_row"),
    GENERATION("classify_by_generation"),
    SCORES("classify");

    private final String label;

    Way(String label) {
      this.label = label;
    }
  }

  private final Shape shape;
  private final Way way;

  /// What it is compared with, run before it in each round.
  private final List<ClassifyCase> others;

  private final List<Double> seconds = new ArrayList<>();
  private EngineStats stats = EngineStats.NONE;
  private int checked;
  private int same;

  private ClassifyCase(Shape shape, Way way, List<ClassifyCase> others) {
    this.shape = shape;
    this.way = way;
    this.others = others;
  }

  /// All ways, in the order in which they must be run.
  ///
  /// @param reusesPrefixes without it the instruction is never computed once, and a way less is
  ///     left
  static List<ClassifyCase> all(Shape shape, boolean reusesPrefixes) {
    List<ClassifyCase> cases = new ArrayList<>();
    cases.add(new ClassifyCase(shape, Way.GENERATION_PER_ROW, List.of()));
    if (reusesPrefixes) {
      cases.add(new ClassifyCase(shape, Way.GENERATION, List.of()));
    }
    cases.add(new ClassifyCase(shape, Way.SCORES, List.copyOf(cases)));
    return cases;
  }

  private boolean generates() {
    return way != Way.SCORES;
  }

  @Override
  public String name() {
    return way.label;
  }

  @Override
  public int n() {
    return shape.rows();
  }

  @Override
  public boolean warmsUp() {
    return false;
  }

  @Override
  public Sample run(BenchModel model) throws InterruptedException {
    int[] prefix = model.ids().prefix(shape.shared());
    List<int[]> prompts = new ArrayList<>();
    for (int row = 0; row < shape.rows(); row++) {
      prompts.add(SharedPrefixCase.concatenate(prefix, model.ids().row(row, shape.own())));
    }
    List<int[]> labels = new ArrayList<>();
    for (int label = 0; label < LABELS; label++) {
      labels.add(model.ids().label(label, shape.label()));
    }
    Rows rows =
        generates()
            ? Rows.generate(prompts, shape.label() + 1)
            : new Rows(prompts, new PromptBatch.Choose(labels, PromptBatch.Scores.BEST_TOTAL));
    boolean reusesPrefixes = way != Way.GENERATION_PER_ROW;
    try (Engine engine = model.freshEngine(model.maxBatch(), reusesPrefixes)) {
      long start = System.nanoTime();
      List<Completion> answers = rows.answers(engine);
      double taken = (System.nanoTime() - start) * 1e-9;
      seconds.add(taken);
      stats = engine.stats();
      model.note(engine);
      if (!generates() && checked == 0) {
        check(model, prompts, labels, answers);
      }
      double tokens = (double) shape.rows() * shape.promptTokens();
      return new Sample(tokens, taken, flops(model, answers), 0);
    }
  }

  private double flops(BenchModel model, List<Completion> answers) {
    double computed = 0;
    double sampled = 0;
    for (Completion answer : answers) {
      Completion.Usage usage = answer.usage();
      computed += usage.promptTokens() - usage.cachedTokens();
      if (generates()) {
        computed += answer.ids().length - 1;
        sampled += answer.ids().length;
      } else {
        // One row of logits behind the prompt, and one behind each token of a label but its last.
        sampled += 1 + usage.promptTokens() - shape.promptTokens();
      }
    }
    return model.work().flops(computed, sampled);
  }

  /// Compares the first rows' labels with those that scoring prompt and label as one text gives.
  private void check(
      BenchModel model, List<int[]> prompts, List<int[]> labels, List<Completion> answers)
      throws InterruptedException {
    checked = Math.min(CHECKED_ROWS, prompts.size());
    for (int row = 0; row < checked; row++) {
      List<int[]> texts = new ArrayList<>();
      for (int[] label : labels) {
        texts.add(SharedPrefixCase.concatenate(prompts.get(row), label));
      }
      Rows alone = new Rows(texts, new PromptBatch.Score(shape.promptTokens(), 0));
      List<Double> totals = new ArrayList<>();
      for (Completion scored : alone.answers(model.engine())) {
        totals.add(total(scored.logprobs()));
      }
      List<Double> chosen = new ArrayList<>();
      for (int label = 0; label < labels.size(); label++) {
        int first = label * shape.label();
        chosen.add(total(answers.get(row).logprobs().subList(first, first + shape.label())));
      }
      same += best(totals) == best(chosen) ? 1 : 0;
    }
  }

  private static double total(List<TokenLogprob> tokens) {
    return tokens.stream().mapToDouble(TokenLogprob::logprob).sum();
  }

  private static int best(List<Double> totals) {
    int best = 0;
    for (int i = 1; i < totals.size(); i++) {
      best = totals.get(i) > totals.get(best) ? i : best;
    }
    return best;
  }

  @Override
  public void describe(ObjectNode document, double tokensPerSecond) {
    document.put("rows_per_s", tokensPerSecond / shape.promptTokens());
    document.put("labels", LABELS).put("label_tokens", shape.label());
    document.put("steps", stats.steps());
    document.put("computed_tokens", stats.prefillTokens() + decodedTokens());
    if (!generates()) {
      document.put("checked_rows", checked).put("same_label_as_exhaustive", same);
      ObjectNode ratios = document.putObject("rows_per_s_ratio_to");
      others.forEach(other -> ratios.put(other.name(), ratio(other)));
    }
  }

  /// Every token of an output but the last goes through the layers.
  private long decodedTokens() {
    return generates() ? (long) shape.rows() * shape.label() : 0;
  }

  /// How many times as fast as `other`, which had the same rounds: the median of the rounds'
  /// ratios.
  private double ratio(ClassifyCase other) {
    List<Double> ratios = new ArrayList<>();
    for (int round = 0; round < seconds.size(); round++) {
      ratios.add(other.seconds.get(round) / seconds.get(round));
    }
    return Measured.median(ratios);
  }
}
