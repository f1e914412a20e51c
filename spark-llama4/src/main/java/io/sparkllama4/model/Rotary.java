package io.sparkllama4.model;

import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Tensor;

/// Rotary position embedding: how fast each pair of a head turns.
///
/// @param theta base of the frequencies
/// @param scaling how low frequencies are slowed down for long contexts
public record Rotary(double theta, Scaling scaling) {

  /// A change of the frequencies.
  public sealed interface Scaling {}

  /// Frequencies stay as they are.
  public record Unscaled() implements Scaling {}

  /// The llama3 rule: wavelengths beyond `originalPositions / lowFrequency` are multiplied by
  /// `factor`, those below `originalPositions / highFrequency` stay, those between are blended.
  ///
  /// @param factor slows low frequencies down
  /// @param lowFrequency turns within the original context up to which a frequency is low
  /// @param highFrequency turns from which on a frequency is high
  /// @param originalPositions the context before scaling
  public record Llama3(
      double factor, double lowFrequency, double highFrequency, int originalPositions)
      implements Scaling {}

  /// Radians per position of pair `j` of a head of `headDim` elements.
  public float inverseFrequency(int j, int headDim) {
    float plain = (float) (1 / Math.pow(theta, 2.0 * j / headDim));
    return switch (scaling) {
      case Unscaled _ -> plain;
      case Llama3 rule -> scaled(plain, rule);
    };
  }

  private static float scaled(float plain, Llama3 rule) {
    double wavelength = 2 * Math.PI / plain;
    double turns = rule.originalPositions / wavelength;
    if (turns > rule.highFrequency) {
      return plain;
    }
    if (turns < rule.lowFrequency) {
      return (float) (plain / rule.factor);
    }
    // Equal bounds leave only a single wavelength here, where the blend is the unscaled frequency.
    double span = rule.highFrequency - rule.lowFrequency;
    double blend = span == 0 ? 1 : (turns - rule.lowFrequency) / span;
    return (float) ((1 - blend) * (plain / rule.factor) + blend * plain);
  }

  /// All inverse frequencies of a head, F32 `[headDim / 2]`.
  public Tensor inverseFrequencies(int headDim, Allocator memory) {
    Tensor frequencies = memory.allocate(DType.F32, headDim / 2);
    for (int j = 0; j < headDim / 2; j++) {
      frequencies.set(j, inverseFrequency(j, headDim));
    }
    return frequencies;
  }
}
