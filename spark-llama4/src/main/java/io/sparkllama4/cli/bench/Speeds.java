package io.sparkllama4.cli.bench;

import io.sparkllama4.backend.Ceilings;
import java.util.List;
import java.util.Optional;

/// The machine's ceilings in one moment: empty where a backend does not measure one, or the machine
/// has no instruction for it.
///
/// @param fp32 float32 operations per second
/// @param bf16 operations per second of products of brain floats
/// @param int8 operations per second of products of 8-bit integers
/// @param int4 the same with 4-bit weights
/// @param read bytes read per second
record Speeds(
    double fp32, Optional<Double> bf16, Optional<Double> int8, Optional<Double> int4, double read) {
  /// What a backend has measured.
  static Speeds of(Ceilings ceilings) {
    return new Speeds(
        ceilings.fp32Flops(),
        present(ceilings.bf16Flops()),
        present(ceilings.int8Ops()),
        present(ceilings.int4Ops()),
        ceilings.readBytesPerSecond());
  }

  private static Optional<Double> present(double figure) {
    return Double.isNaN(figure) ? Optional.empty() : Optional.of(figure);
  }

  /// The mean of two moments.
  static Speeds mean(Speeds a, Speeds b) {
    return new Speeds(
        (a.fp32 + b.fp32) / 2,
        a.bf16.flatMap(x -> b.bf16.map(y -> (x + y) / 2)),
        a.int8.flatMap(x -> b.int8.map(y -> (x + y) / 2)),
        a.int4.flatMap(x -> b.int4.map(y -> (x + y) / 2)),
        (a.read + b.read) / 2);
  }

  /// The medians of several moments, of at least one.
  static Speeds median(List<Speeds> all) {
    return new Speeds(
        Measured.median(all.stream().map(Speeds::fp32).toList()),
        medianOf(all.stream().map(Speeds::bf16).toList()),
        medianOf(all.stream().map(Speeds::int8).toList()),
        medianOf(all.stream().map(Speeds::int4).toList()),
        Measured.median(all.stream().map(Speeds::read).toList()));
  }

  private static Optional<Double> medianOf(List<Optional<Double>> values) {
    List<Double> present = values.stream().flatMap(Optional::stream).toList();
    return present.isEmpty() ? Optional.empty() : Optional.of(Measured.median(present));
  }

  /// A ceiling by its name.
  record Ceiling(String name, double perSecond) {}

  /// The best multiply-add ceiling that the machine offers for weights of a form: activations of
  /// quantised weights may be quantised too, those of others may not.
  ///
  /// @param weights their label: `f32`, `bf16`, `int8`
  Ceiling multiplyAdds(String weights) {
    Ceiling best = new Ceiling("fp32", fp32);
    if (!weights.equals("f32") && !weights.equals("f16")) {
      best = better(best, "bf16", bf16);
    }
    if (weights.equals("int8") || weights.equals("int4")) {
      best = better(best, "int8", int8);
    }
    if (weights.equals("int4")) {
      best = better(best, "int4", int4);
    }
    return best;
  }

  private static Ceiling better(Ceiling best, String name, Optional<Double> perSecond) {
    return perSecond.isPresent() && perSecond.get() > best.perSecond()
        ? new Ceiling(name, perSecond.get())
        : best;
  }
}
