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
    QuantizedRow form = QuantizedRow.of(matrix.quantization(), inputs);
    int[] codes = new int[inputs];
    float[] scales = new float[form.scales(inputs)];
    for (int t = first; t < end; t++) {
      form.quantize(input.data(), 4L * t * inputs, codes, scales);
      for (long row = 0; row < matrix.rows(); row++) {
        float sum = product(matrix, row, codes, scales);
        float bias = part.hasBias() ? part.bias().decode(row) : 0;
        output.set(t * output.rowElements() + column + row, sum + bias);
      }
    }
  }

  private static float product(Matrix matrix, long row, int[] codes, float[] scales) {
    return switch (matrix.quantization()) {
      case Quantization.Int8PerRow _ -> {
        float total = 0;
        for (int g = 0; g < scales.length; g++) {
          int from = g * Panels.INT8_GROUP;
          int end = Math.min(codes.length, from + Panels.INT8_GROUP);
          total = Math.fma(sum(matrix, row, codes, from, end), scales[g], total);
        }
        yield total * Panels.scale(matrix, row, 0);
      }
      case Quantization.Int4PerGroup(_, int group, _) -> {
        float total = 0;
        for (int from = 0; from < codes.length; from += group) {
          int sum = sum(matrix, row, codes, from, Math.min(codes.length, from + group));
          total = Math.fma(sum, Panels.scale(matrix, row, from), total);
        }
        yield total * scales[0];
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
