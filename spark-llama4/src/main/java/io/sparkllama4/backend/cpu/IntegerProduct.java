package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.Panels;
import io.sparkllama4.tensor.Quantization;
import io.sparkllama4.tensor.Tensor;

/// Products of quantised inputs with integer weights as plain loops: the specification, which every
/// kernel path follows to the bit. Sums of integers are exact; what floats there are is computed in
/// the order that stands here.
final class IntegerProduct {
  private IntegerProduct() {}

  /// `output[t] = input[t] Wt + bias` for rows `first` up to `end`, from `column` on.
  static void add(Tensor input, int first, int end, Linear.Part part, Tensor output, long column) {
    Matrix matrix = part.weight();
    int inputs = Math.toIntExact(matrix.columns());
    int[] codes = new int[inputs];
    for (int t = first; t < end; t++) {
      long at = 4L * t * inputs;
      float scale = QuantizedRow.scale(input.data(), at, inputs);
      float inverse = QuantizedRow.inverse(input.data(), at, inputs);
      for (int i = 0; i < inputs; i++) {
        codes[i] = QuantizedRow.code(input.at((long) t * inputs + i), inverse);
      }
      for (long row = 0; row < matrix.rows(); row++) {
        float sum = product(matrix, row, codes) * scale;
        float bias = part.hasBias() ? part.bias().decode(row) : 0;
        output.set(t * output.rowElements() + column + row, sum + bias);
      }
    }
  }

  /// The sum over all inputs, without the inputs' scale.
  private static float product(Matrix matrix, long row, int[] codes) {
    return switch (matrix.quantization()) {
      case Quantization.Int8PerRow _ ->
          sum(matrix, row, codes, 0, codes.length) * Panels.scale(matrix, row, 0);
      case Quantization.Int4PerGroup(_, int group, _) -> {
        float total = 0;
        for (int from = 0; from < codes.length; from += group) {
          int sum = sum(matrix, row, codes, from, Math.min(codes.length, from + group));
          total = Math.fma(sum, Panels.scale(matrix, row, from), total);
        }
        yield total;
      }
      case Quantization.None _, Quantization.Fp8PerRow _ ->
          throw new IllegalArgumentException("Inputs of these weights are not quantised");
    };
  }

  private static int sum(Matrix matrix, long row, int[] codes, int from, int end) {
    int sum = 0;
    for (int i = from; i < end; i++) {
      sum += Panels.code(matrix, row, i) * codes[i];
    }
    return sum;
  }
}
