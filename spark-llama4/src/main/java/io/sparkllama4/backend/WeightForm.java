package io.sparkllama4.backend;

import java.util.Locale;

/// The form that the weights of matrices take in memory.
///
/// Norms, biases and routers stay as they are stored, whatever the form: they are small, and a
/// router that chooses another expert changes everything behind it.
public enum WeightForm {
  /// In the width in which the checkpoint stores them.
  STORED,
  /// Brain floats.
  BF16,
  /// 8-bit integers with a scale per output; inputs of products take 8 bits as well.
  INT8,
  /// 4-bit integers with a scale per 32 inputs of an output; inputs of products take 8 bits.
  INT4;

  /// The name that options take.
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// The form that an option names.
  ///
  /// @throws IllegalArgumentException where none has the name
  public static WeightForm of(String label) {
    return valueOf(label.toUpperCase(Locale.ROOT));
  }
}
