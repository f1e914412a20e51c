package io.sparkllama4.cli.bench;

import java.util.Optional;
import java.util.stream.Stream;

/// The sizes of a made model: every layer a mixture with a shared expert of the same width.
///
/// @param name what the benchmark calls it
/// @param hidden elements of the residual stream
/// @param layers number of layers
/// @param heads query heads
/// @param kvHeads key heads
/// @param headDim elements of a head
/// @param experts routed experts, of which each token takes one
/// @param expertWidth hidden elements of an expert
/// @param vocabulary entries
public record ModelShape(
    String name,
    int hidden,
    int layers,
    int heads,
    int kvHeads,
    int headDim,
    int experts,
    int expertWidth,
    int vocabulary) {

  /// @throws IllegalArgumentException where the vocabulary has no room for the 256 bytes
  public ModelShape {
    if (vocabulary < 256) {
      throw new IllegalArgumentException("A vocabulary of [" + vocabulary + "] entries");
    }
  }

  /// 1.3 billion weights, 365 MFLOP per prompt token: what a laptop's benchmark can hold.
  public static final ModelShape MODEL_S =
      new ModelShape("model-s", 1024, 12, 16, 4, 64, 16, 2048, 32_000);

  /// Two layers of Llama 4 Scout at their real widths.
  public static final ModelShape SCOUT_SLICE =
      new ModelShape("scout-slice", 5120, 2, 40, 8, 128, 16, 8192, 202_048);

  /// A model for checks of the benchmark itself.
  public static final ModelShape TINY = new ModelShape("tiny", 64, 2, 4, 2, 16, 4, 128, 512);

  /// The shape of that name.
  public static Optional<ModelShape> named(String name) {
    return Stream.of(MODEL_S, SCOUT_SLICE, TINY).filter(s -> s.name.equals(name)).findFirst();
  }
}
