package io.sparkllama4.backend;

import io.sparkllama4.tensor.Linear;

/// A gated feed-forward network, `down(silu(gate x) * up x)`: a dense layer, one expert, or a
/// shared expert.
///
/// @param gateUp `[2F, H]`, the gate's outputs before the up-projection's
/// @param down `[H, F]`
public record GatedMlp(Linear gateUp, Linear down) {
  /// The width F between the two projections.
  public int width() {
    return Math.toIntExact(down.inputs());
  }
}
