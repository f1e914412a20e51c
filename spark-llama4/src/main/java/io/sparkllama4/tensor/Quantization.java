package io.sparkllama4.tensor;

/// How a matrix's stored values become its weights.
public sealed interface Quantization {
  /// The name in the documents that the command line prints.
  String label();

  /// The memory of the scales.
  long bytes();

  /// Whether the inputs of a product are quantised as well: each row to 8 bits with one scale, `x =
  /// q * max|x| / 127`, so that its sums are sums of integers.
  boolean quantizesInputs();

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

    @Override
    public boolean quantizesInputs() {
      return false;
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

    @Override
    public boolean quantizesInputs() {
      return false;
    }
  }

  /// `w[row, column] = (nibble - 8) * scale[row, column / group]`, eight nibbles to a 32-bit word,
  /// the lowest first; every row begins with a new word.
  ///
  /// @param scales `[rows, groups]`, in any wide floating-point type; in panels `[panels, groups,
  ///     16]`, in fragments `[strips, groups, 16]`
  /// @param group the columns that share a scale
  /// @param quantizesInputs whether inputs take 8 bits
  record Int4PerGroup(Tensor scales, int group, boolean quantizesInputs) implements Quantization {
    @Override
    public String label() {
      return quantizesInputs ? "int4" : "w4a16";
    }

    @Override
    public long bytes() {
      return scales.data().byteSize();
    }
  }

  /// `w[row, column] = value * scale[row]`, with inputs of 8 bits.
  ///
  /// @param scales F32, one per row
  record Int8PerRow(Tensor scales) implements Quantization {
    @Override
    public String label() {
      return "int8";
    }

    @Override
    public long bytes() {
      return scales.data().byteSize();
    }

    @Override
    public boolean quantizesInputs() {
      return true;
    }
  }

  /// The absence of quantisation.
  Quantization NONE = new None();
}
