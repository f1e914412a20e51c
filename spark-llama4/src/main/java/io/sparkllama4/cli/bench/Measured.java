package io.sparkllama4.cli.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A case with its samples, each beside a measurement of the ceilings in the same moment: the speed
/// of a machine drifts, the ratio of neighbours does not.
final class Measured {
  /// Decoding of one sequence is a quarter slower for its first two seconds.
  private static final long WARM_UP_NANOS = 3_000_000_000L;

  private final Case measured;
  private final String weights;
  private final List<Sample> samples = new ArrayList<>();
  private final List<Speeds> ceilings = new ArrayList<>();

  /// What its steps read, where a run before has counted it: equal steps read equal bytes.
  private double bytesPerToken;

  /// @param weights label of their form in memory
  Measured(Case measured, String weights) {
    this.measured = measured;
    this.weights = weights;
  }

  /// Runs the case where it asks for it, and counts the experts that it reaches: once, and again
  /// until the compiler of the virtual machine leaves the processor to the case.
  void warmUp(BenchModel model) throws InterruptedException {
    if (!measured.warmsUp()) {
      return;
    }
    long start = System.nanoTime();
    model.observe(true);
    bytesPerToken = measured.run(model).bytesPerToken();
    model.observe(false);
    while (System.nanoTime() - start < WARM_UP_NANOS) {
      measured.run(model);
    }
  }

  /// Takes a sample, the ceilings before and behind it where they are wanted and the backend
  /// measures any.
  void measure(BenchModel model, boolean withCeilings) throws InterruptedException {
    if (!withCeilings) {
      samples.add(measured.run(model));
      return;
    }
    Optional<Speeds> before = model.backend().measureCeilings().map(Speeds::of);
    samples.add(measured.run(model));
    if (before.isPresent()) {
      Optional<Speeds> behind = model.backend().measureCeilings().map(Speeds::of);
      ceilings.add(Speeds.mean(before.get(), behind.orElseThrow()));
    }
  }

  boolean isLong() {
    return !measured.warmsUp();
  }

  String name() {
    return measured.name();
  }

  int n() {
    return measured.n();
  }

  /// Name and n.
  String label() {
    return name() + " " + n();
  }

  /// The ceilings beside its samples.
  List<Speeds> ceilings() {
    return List.copyOf(ceilings);
  }

  List<Double> tokensPerSecond() {
    return samples.stream().map(Sample::tokensPerSecond).toList();
  }

  double median() {
    return median(tokensPerSecond());
  }

  /// The distance of the fastest from the slowest sample, relative to the median.
  double spread() {
    List<Double> speeds = tokensPerSecond();
    double least = speeds.stream().mapToDouble(speed -> speed).min().orElse(0);
    double most = speeds.stream().mapToDouble(speed -> speed).max().orElse(0);
    return (most - least) / median();
  }

  /// Floating-point operations per second.
  double flops() {
    return median(samples.stream().map(s -> s.flopsPerToken() * s.tokensPerSecond()).toList());
  }

  /// Bytes of weights read per second, where they were counted.
  Optional<Double> bytes() {
    return bytesPerToken == 0 ? Optional.empty() : Optional.of(bytesPerToken * median());
  }

  /// A share of a ceiling.
  ///
  /// @param of the ceiling's name: `fp32`, `bf16`, `int8` or `read`
  record Share(double share, String of) {}

  /// The median share of the ceiling that is nearest: of multiply-adds or of reading. Empty where
  /// ceilings were not measured.
  Optional<Share> share() {
    if (ceilings.isEmpty()) {
      return Optional.empty();
    }
    List<Double> compute = new ArrayList<>();
    List<Double> read = new ArrayList<>();
    for (int i = 0; i < samples.size(); i++) {
      double speed = samples.get(i).tokensPerSecond();
      double flops = samples.get(i).flopsPerToken() * speed;
      compute.add(flops / ceilings.get(i).multiplyAdds(weights).perSecond());
      read.add(bytesPerToken * speed / ceilings.get(i).read());
    }
    String instruction = Speeds.median(ceilings).multiplyAdds(weights).name();
    return Optional.of(
        median(read) > median(compute)
            ? new Share(median(read), "read")
            : new Share(median(compute), instruction));
  }

  /// Its entry in the document.
  void describe(ObjectNode document) {
    document.put("case", name()).put("n", n());
    tokensPerSecond().forEach(document.putArray("tokens_per_s")::add);
    document.put("median", median()).put("spread", spread());
    document.put("gflops", flops() / 1e9);
    document.put("gb_per_s", bytes().map(bytes -> bytes / 1e9).orElse(null));
    document.put("share_of_ceiling", share().map(Share::share).orElse(null));
    document.put("ceiling", share().map(Share::of).orElse(null));
    measured.describe(document, median());
  }

  static double median(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    int middle = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(middle)
        : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
  }
}
