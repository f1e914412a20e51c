package io.sparkllama4.cli.bench;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.Ceilings;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// One case of a benchmark with its samples, each beside a measurement of the ceiling in the same
/// moment: the speed of a machine drifts, the ratio of neighbours does not.
public final class Measured {
  private final String name;
  private final int n;
  private final Sample sample;
  private final double workPerToken;
  private final boolean isPrefill;
  private final List<Double> speeds = new ArrayList<>();
  private final List<Double> shares = new ArrayList<>();
  private final List<Ceilings> ceilings = new ArrayList<>();

  private Measured(String name, int n, double workPerToken, boolean isPrefill, Sample sample) {
    this.name = name;
    this.n = n;
    this.workPerToken = workPerToken;
    this.isPrefill = isPrefill;
    this.sample = sample;
  }

  private interface Sample {
    double tokensPerSecond(Cases cases) throws InterruptedException;
  }

  /// One prompt of `n` tokens, as a share of the multiply-adds that the machine can do.
  public static Measured prefill(int n, Work work) {
    return new Measured("prefill", n, work.flopsPerToken(), true, cases -> cases.prefill(n));
  }

  /// `n` sequences side by side, as a share of the bytes that the machine can read.
  public static Measured decode(int n, int prompt, int tokens, Work work) {
    return new Measured(
        "decode", n, work.bytesPerStep(n) / n, false, cases -> cases.decode(n, prompt, tokens));
  }

  /// Runs the case once, so that code is compiled and weights are in memory.
  public void warmUp(Cases cases) throws InterruptedException {
    sample.tokensPerSecond(cases);
  }

  /// Takes a sample, the ceiling before and behind it.
  public void measure(Cases cases, Backend backend) throws InterruptedException {
    Ceilings before = backend.measureCeilings();
    double speed = sample.tokensPerSecond(cases);
    Ceilings behind = backend.measureCeilings();
    Ceilings mean = Ceilings.median(List.of(before, behind));
    speeds.add(speed);
    ceilings.add(mean);
    double ceiling = isPrefill ? mean.fp32Flops() : mean.readBytesPerSecond();
    shares.add(speed * workPerToken / ceiling);
  }

  /// Its name.
  public String name() {
    return name;
  }

  /// Prompt length, or number of sequences.
  public int n() {
    return n;
  }

  /// The samples.
  public List<Double> tokensPerSecond() {
    return List.copyOf(speeds);
  }

  /// The median sample.
  public double median() {
    return median(speeds);
  }

  /// The median share of the ceiling.
  public double share() {
    return median(shares);
  }

  /// What it is a share of.
  public String ceilingName() {
    return isPrefill ? "fp32 multiply-adds" : "memory reads";
  }

  /// The medians of the ceilings that were measured beside the cases.
  public static Optional<Ceilings> medianCeilings(List<Measured> cases) {
    List<Ceilings> all = cases.stream().flatMap(c -> c.ceilings.stream()).toList();
    return all.isEmpty() ? Optional.empty() : Optional.of(Ceilings.median(all));
  }

  private static double median(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    int middle = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(middle)
        : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
  }
}
