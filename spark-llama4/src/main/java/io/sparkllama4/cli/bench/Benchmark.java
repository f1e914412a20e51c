package io.sparkllama4.cli.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// Runs the cases of a plan in turn, round by round, so that a slow spell of the machine hits all
/// of them.
public final class Benchmark {
  private final BenchPlan plan;
  private final Consumer<String> progress;

  /// @param progress told of each round
  public Benchmark(BenchPlan plan, Consumer<String> progress) {
    this.plan = plan;
    this.progress = progress;
  }

  /// Measures everything.
  public BenchReport run(BenchModel model, boolean reusesPrefixes) throws InterruptedException {
    String weights = model.handle().weightsLabel();
    List<Measured> all = cases(reusesPrefixes).stream().map(c -> new Measured(c, weights)).toList();
    for (Measured measured : all) {
      measured.warmUp(model);
    }
    rounds(model, all.stream().filter(c -> !c.isLong()).toList(), plan.repeats().rounds());
    rounds(model, all.stream().filter(Measured::isLong).toList(), plan.repeats().rowRounds());
    return new BenchReport(all);
  }

  private void rounds(BenchModel model, List<Measured> cases, int rounds)
      throws InterruptedException {
    for (int round = 1; round <= rounds && !cases.isEmpty(); round++) {
      progress.accept(
          "Round " + round + " of " + rounds + ": " + cases.stream().map(Measured::label).toList());
      for (Measured measured : cases) {
        measured.measure(model, plan.repeats().withCeilings());
      }
    }
  }

  private List<Case> cases(boolean reusesPrefixes) {
    List<Case> cases = new ArrayList<>();
    plan.prefill().forEach(n -> cases.add(new PrefillCase(n)));
    plan.decode().forEach(n -> cases.add(new DecodeCase(n, plan.prompt(), plan.tokens())));
    BenchPlan.RowShape shape = plan.shape();
    if (plan.rows() > 0) {
      SharedPrefixCase perRow =
          SharedPrefixCase.perRow(
              new SharedPrefixCase.Shape(
                  plan.rows(), shape.sharedPrefix(), shape.own(), shape.out(), shape.rowBatch()));
      cases.add(perRow);
      if (reusesPrefixes) {
        cases.add(SharedPrefixCase.once(perRow));
      } else {
        progress.accept("Prefixes are not reused, so there is no case rows_prefix_once");
      }
    }
    if (plan.classified() > 0) {
      if (!reusesPrefixes) {
        progress.accept("Prefixes are not reused, so there is no case classify_by_generation");
      }
      ClassifyCase.Shape rows =
          new ClassifyCase.Shape(
              plan.classified(), shape.sharedPrefix(), shape.own(), shape.label());
      cases.addAll(ClassifyCase.all(rows, reusesPrefixes));
    }
    return cases;
  }
}
