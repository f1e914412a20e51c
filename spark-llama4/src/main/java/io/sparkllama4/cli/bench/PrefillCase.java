package io.sparkllama4.cli.bench;

import java.util.List;

/// One prompt, up to and with its first output token.
///
/// @param n its tokens
record PrefillCase(int n) implements Case {
  @Override
  public String name() {
    return "prefill";
  }

  @Override
  public boolean warmsUp() {
    return true;
  }

  @Override
  public Sample run(BenchModel model) throws InterruptedException {
    Rows rows = Rows.generate(List.of(model.ids().prefill(n)), 1);
    StepClock.Measurement steps = model.clock().start(report -> true, Integer.MAX_VALUE);
    long start = System.nanoTime();
    var _ = rows.answers(model.engine());
    double seconds = (System.nanoTime() - start) * 1e-9;
    return new Sample(n, seconds, model.work().flops(n, 1), steps.bytes());
  }
}
