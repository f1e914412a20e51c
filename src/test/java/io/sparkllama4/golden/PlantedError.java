package io.sparkllama4.golden;

import io.sparkllama4.backend.Kernels;
import io.sparkllama4.backend.cpu.ScalarKernels;
import io.sparkllama4.model.DecoderWeights;
import io.sparkllama4.tensor.Allocator;
import java.util.Locale;
import java.util.function.Supplier;

/// A wrong decoder, and where the oracles must see that it is wrong.
///
/// @param name what is wrong, in a few words
/// @param change what is changed against the right decoder
/// @param oracle the checkpoint on which it must show
/// @param seenBy the intermediate or answer that differs first
/// @param tolerances how many times the tolerance that differs at least; infinite for other choices
/// @param kernels makes the kernels that compute it
/// @param weights changes the layers and their weights
record PlantedError(
    String name,
    String change,
    String oracle,
    String seenBy,
    double tolerances,
    Supplier<? extends Kernels> kernels,
    Weights weights) {

  /// A change of a decoder's layers and weights.
  interface Weights {
    /// The changed ones; what is new of them lies in `memory`.
    DecoderWeights change(DecoderWeights weights, Allocator memory);
  }

  /// An error of the kernels.
  static PlantedError ofKernels(
      String name,
      String change,
      String oracle,
      String seenBy,
      double tolerances,
      Supplier<? extends Kernels> kernels) {
    return new PlantedError(
        name, change, oracle, seenBy, tolerances, kernels, (weights, memory) -> weights);
  }

  /// An error of the layers or their weights, computed by the right kernels.
  static PlantedError ofWeights(
      String name,
      String change,
      String oracle,
      String seenBy,
      double tolerances,
      Weights weights) {
    return new PlantedError(name, change, oracle, seenBy, tolerances, ScalarKernels::new, weights);
  }

  /// Its line in the table of `docs/planted-errors.md`.
  String tableRow() {
    String size =
        Double.isInfinite(tolerances)
            ? "another choice"
            : String.format(Locale.ROOT, "%.0f tolerances", tolerances);
    return String.format("| %s | %s | %s | `%s` | %s |", name, change, oracle, seenBy, size);
  }

  @Override
  public String toString() {
    return name;
  }
}
