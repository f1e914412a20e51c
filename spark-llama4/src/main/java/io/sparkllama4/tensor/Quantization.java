package io.sparkllama4.tensor;

/// How a matrix's stored values become its weights.
public sealed interface Quantization {
  /// The name in the documents that the command line prints.
  String label();

  /// The memory of the scales.
  long bytes();

  /// The values are the weights.
  record None() implements Quantization {
    @Override
    public String label() {
      return "none";
    }

    @Override
    public long bytes() {
      return 0;
    }
  }

  /// `w[row, column] = e4m3(value) * scale[row]`.
  ///
  /// @param scales one per row, in any wide floating-point type
  record Fp8PerRow(Tensor scales) implements Quantization {
    @Override
    public String label() {
      return "fp8";
    }

    @Override
    public long bytes() {
      return scales.data().byteSize();
    }
  }

  /// `w[row, column] = (nibble - 8) * scale[row, column / group]`, eight nibbles to a 32-bit word,
  /// the lowest first; every row begins with a new word.
  ///
  /// @param scales `[rows, groups]`, in any wide floating-point type
  /// @param group the columns that share a scale
  record Int4PerGroup(Tensor scales, int group) implements Quantization {
    @Override
    public String label() {
      return "w4a16";
    }

    @Override
    public long bytes() {
      return scales.data().byteSize();
    }
  }

  /// The absence of quantisation.
  Quantization NONE = new None();
}
