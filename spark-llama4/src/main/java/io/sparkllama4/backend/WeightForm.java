package io.sparkllama4.backend;

import java.util.Locale;

/// The form that the weights of matrices take in memory.
///
/// Norms, biases and routers stay as they are stored, whatever the form: they are small, and a
/// router that chooses another expert changes everything behind it.
public enum WeightForm {
  /// In the width in which the checkpoint stores them.
  STORED,
  /// The same, and products are taken in float32 whatever the backend: routers.
  EXACT,
  /// Brain floats.
  BF16,
  /// 8-bit integers with a scale per output; inputs of products take 8 bits as well.
  INT8,
  /// 4-bit integers with a scale per 32 inputs of an output; inputs of products take 8 bits.
  INT4,
  /// The same with a scale per 128 inputs: smaller by a twelfth, and less exact.
  INT4_GROUP_128;

  /// The name that options take, which is the same for groups of all sizes.
  public String label() {
    return this == INT4_GROUP_128 ? INT4.label() : name().toLowerCase(Locale.ROOT);
  }

  /// Inputs that share a scale, where 4-bit integers are made.
  ///
  /// @throws IllegalStateException of another form
  public int group() {
    return switch (this) {
      case INT4 -> 32;
      case INT4_GROUP_128 -> 128;
      case STORED, EXACT, BF16, INT8 -> throw new IllegalStateException(this + " has no groups");
    };
  }

  /// The form that an option names.
  ///
  /// @throws IllegalArgumentException where none has the name
  public static WeightForm of(String label) {
    WeightForm form = valueOf(label.toUpperCase(Locale.ROOT));
    if (form == EXACT) {
      throw new IllegalArgumentException("No option asks for " + label);
    }
    return form;
  }

  /// The form that an option names, with the size of groups where it has any.
  ///
  /// @param int4Group inputs that share a scale in `int4`: 32 or 128
  /// @throws IllegalArgumentException where there is none
  public static WeightForm of(String label, int int4Group) {
    WeightForm form = of(label);
    if (form != INT4 || int4Group == INT4.group()) {
      return form;
    }
    if (int4Group == INT4_GROUP_128.group()) {
      return INT4_GROUP_128;
    }
    throw new IllegalArgumentException("Groups of " + int4Group);
  }
}
