package io.sparkllama4.backend;

import java.util.List;
import java.util.function.ToDoubleFunction;

/// What the machine can do at best, measured just now with all of a backend's threads: what a
/// benchmark's figures are shares of.
///
/// @param fp32Flops float32 additions and multiplications per second, in fused multiply-adds on
///     registers
/// @param bf16Flops the same in dot products of brain floats; NaN where no kernel uses such
///     instructions
/// @param int8Ops the same of 8-bit integers, by the best exact instructions; NaN where no kernel
///     uses any
/// @param int4Ops the same with 4-bit weights
/// @param readBytesPerSecond bytes read in order from memory that no cache holds
public record Ceilings(
    double fp32Flops, double bf16Flops, double int8Ops, double int4Ops, double readBytesPerSecond) {

  /// Each figure's median over some measurements.
  public static Ceilings median(List<Ceilings> all) {
    return new Ceilings(
        median(all, Ceilings::fp32Flops),
        median(all, Ceilings::bf16Flops),
        median(all, Ceilings::int8Ops),
        median(all, Ceilings::int4Ops),
        median(all, Ceilings::readBytesPerSecond));
  }

  private static double median(List<Ceilings> all, ToDoubleFunction<Ceilings> figure) {
    double[] sorted = all.stream().mapToDouble(figure).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
