package io.sparkllama4.golden;

import io.sparkllama4.backend.cpu.ScalarKernels;
import io.sparkllama4.model.DecoderWeights;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Quantization;
import io.sparkllama4.tensor.Tensor;
import java.util.List;
import java.util.function.DoubleBinaryOperator;
import java.util.function.IntUnaryOperator;

/// Errors in norms, activations, precision and stored weights.
final class NumberErrors {
  static final List<PlantedError> ALL =
      List.of(
          PlantedError.ofKernels(
              "embedding scaled",
              "the embedding is multiplied with the root of the hidden size",
              "dense",
              "embed",
              60000,
              ScaledEmbedding::new),
          PlantedError.ofKernels(
              "norm weight plus one",
              "norms multiply with 1 + weight",
              "dense",
              "layers.0.attn_norm",
              7000,
              NormWeightPlusOne::new),
          PlantedError.ofKernels(
              "activations rounded to bfloat16",
              "norms round what they give to 8 bits of mantissa",
              "dense",
              "layers.0.attn_norm",
              10,
              RoundedNorm::new),
          PlantedError.ofKernels(
              "gate and up swapped",
              "silu is taken of up in place of gate",
              "dense",
              "layers.0.output",
              5000,
              () -> new OtherActivation((gate, up) -> silu(up) * gate)),
          PlantedError.ofKernels(
              "gate and up swapped in experts",
              "silu is taken of up in place of gate",
              "scout",
              "layers.0.routed",
              9000,
              () -> new OtherActivation((gate, up) -> silu(up) * gate)),
          PlantedError.ofKernels(
              "gate and up interleaved",
              "gate and up are taken from even and odd columns in place of halves",
              "scout",
              "layers.0.routed",
              10000,
              InterleavedGateUp::new),
          PlantedError.ofKernels(
              "gelu for silu",
              "the gate goes through the tanh form of gelu",
              "dense",
              "layers.0.output",
              800,
              () -> new OtherActivation((gate, up) -> gelu(gate) * up)),
          PlantedError.ofWeights(
              "int4 nibbles from the highest",
              "the first of eight weights is taken from the highest bits of a word",
              "w4a16",
              "layers.0.routed",
              9000,
              (weights, memory) -> int4(weights, memory, NumberErrors::reversed)),
          PlantedError.ofWeights(
              "int4 in two's complement",
              "nibbles are read as signed in place of offset by 8",
              "w4a16",
              "layers.0.routed",
              100000,
              (weights, memory) -> int4(weights, memory, word -> word ^ 0x88888888)),
          PlantedError.ofWeights(
              "int4 scales of the next group",
              "the two groups of a row exchange their scales",
              "w4a16",
              "layers.0.routed",
              1000,
              NumberErrors::nextGroup),
          PlantedError.ofWeights(
              "fp8 scale per column",
              "a value is multiplied with the scale of its column in place of its row",
              "fp8",
              "layers.1.routed",
              5000,
              (weights, memory) -> fp8(weights, memory, NumberErrors::scalePerColumn)),
          PlantedError.ofWeights(
              "fp8 scale inverted",
              "a value is divided by its scale",
              "fp8",
              "layers.1.routed",
              1e9,
              (weights, memory) -> fp8(weights, memory, NumberErrors::scaleInverted)));

  private NumberErrors() {}

  private static final class ScaledEmbedding extends ScalarKernels {
    @Override
    public void embed(Tensor ids, Tensor table, Tensor output) {
      super.embed(ids, table, output);
      float factor = (float) Math.sqrt((double) output.rowElements());
      for (long i = 0; i < output.shape().elements(); i++) {
        output.set(i, output.at(i) * factor);
      }
    }
  }

  private static final class NormWeightPlusOne extends ScalarKernels {
    @Override
    public void rmsNorm(Tensor input, Tensor weight, float epsilon, Tensor output) {
      try (NativeArena memory = new NativeArena()) {
        Tensor more = memory.allocate(DType.F32, weight.rows());
        for (int h = 0; h < weight.rows(); h++) {
          more.set(h, 1 + weight.decode(h));
        }
        super.rmsNorm(input, more, epsilon, output);
      }
    }
  }

  private static final class RoundedNorm extends ScalarKernels {
    @Override
    public void rmsNorm(Tensor input, Tensor weight, float epsilon, Tensor output) {
      super.rmsNorm(input, weight, epsilon, output);
      for (long i = 0; i < output.shape().elements(); i++) {
        output.set(i, Elements.bfloat16(Elements.toBfloat16(output.at(i))));
      }
    }
  }

  private static double silu(double z) {
    return z / (1 + Math.exp(-z));
  }

  private static double gelu(double z) {
    return z / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z * z * z)));
  }

  private static final class OtherActivation extends ScalarKernels {
    private final DoubleBinaryOperator ofGateAndUp;

    OtherActivation(DoubleBinaryOperator ofGateAndUp) {
      this.ofGateAndUp = ofGateAndUp;
    }

    @Override
    public void swiGlu(Tensor gateUp, Tensor output) {
      long width = output.rowElements();
      for (long t = 0; t < output.rows(); t++) {
        for (long f = 0; f < width; f++) {
          float gate = gateUp.at(2 * t * width + f);
          float up = gateUp.at((2 * t + 1) * width + f);
          output.set(t * width + f, (float) ofGateAndUp.applyAsDouble(gate, up));
        }
      }
    }
  }

  private static final class InterleavedGateUp extends ScalarKernels {
    @Override
    public void swiGlu(Tensor gateUp, Tensor output) {
      for (long i = 0; i < output.shape().elements(); i++) {
        output.set(i, (float) silu(gateUp.at(2 * i)) * gateUp.at(2 * i + 1));
      }
    }
  }

  private static int reversed(int word) {
    int reversed = 0;
    for (int nibble = 0; nibble < 8; nibble++) {
      reversed |= ((word >>> (4 * nibble)) & 0xf) << (28 - 4 * nibble);
    }
    return reversed;
  }

  private static DecoderWeights int4(
      DecoderWeights weights, Allocator memory, IntUnaryOperator change) {
    return VariedWeights.matrices(
        weights,
        right -> {
          Tensor words = memory.allocate(DType.I32, right.values().shape().elements());
          for (long i = 0; i < words.rows(); i++) {
            words.set(i, change.applyAsInt(right.values().intAt(i)));
          }
          return new Matrix(
              right.rows(), right.columns(), right.order(), words, right.quantization());
        });
  }

  private static DecoderWeights nextGroup(DecoderWeights weights, Allocator memory) {
    return VariedWeights.matrices(
        weights,
        right -> {
          if (!(right.quantization()
              instanceof Quantization.Int4PerGroup(var scales, int group, _))) {
            return right;
          }
          long groups = scales.rowElements();
          Tensor exchanged = memory.allocate(DType.F32, scales.rows(), groups);
          for (long i = 0; i < scales.shape().elements(); i++) {
            exchanged.set(i, scales.decode(i - i % groups + (i + 1) % groups));
          }
          return new Matrix(
              right.rows(),
              right.columns(),
              right.order(),
              right.values(),
              new Quantization.Int4PerGroup(exchanged, group, false));
        });
  }

  /// The weight that a wrong rule makes of an FP8 value: the value, the scales, its row and column.
  private interface Fp8Rule {
    double weight(double value, Tensor scales, int row, int column);
  }

  /// Plain matrices of what a wrong reader of FP8 would see.
  private static DecoderWeights fp8(DecoderWeights weights, Allocator memory, Fp8Rule rule) {
    return VariedWeights.matrices(
        weights,
        right -> {
          if (!(right.quantization() instanceof Quantization.Fp8PerRow(Tensor scales))) {
            return right;
          }
          Tensor wrong = memory.allocate(DType.F32, right.rows(), right.columns());
          for (int row = 0; row < right.rows(); row++) {
            for (int column = 0; column < right.columns(); column++) {
              long i = row * right.columns() + column;
              wrong.set(i, (float) rule.weight(right.values().decode(i), scales, row, column));
            }
          }
          return Matrix.of(wrong);
        });
  }

  private static double scalePerColumn(double value, Tensor scales, int row, int column) {
    return value * scales.decode(column % scales.rows());
  }

  private static double scaleInverted(double value, Tensor scales, int row, int column) {
    return value / scales.decode(row);
  }
}
