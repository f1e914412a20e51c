package io.sparkllama4.backend.check;

import io.sparkllama4.tensor.Tensor;
import java.util.function.Function;

/// Two backends that compute the same, and what they compute it of.
///
/// @param device that is checked
/// @param plain the plain loops
/// @param random inputs of both
/// @param terms of brain floats that the device makes of an input of a product: 1 or 2
record Pair(Subject device, Subject plain, RandomValues random, int terms) {
  /// What the device may differ by: sums of inputs in two terms are in another order, those in one
  /// are rounded.
  double tolerance(double ofTwo, double ofOne) {
    return terms == 2 ? ofTwo : ofOne;
  }

  /// What a computation gives on the device, where the host can read it.
  Tensor found(Function<Subject, Tensor> body) {
    return device.read(body.apply(device));
  }

  /// What it gives in plain loops.
  Tensor expected(Function<Subject, Tensor> body) {
    return plain.read(body.apply(plain));
  }
}
