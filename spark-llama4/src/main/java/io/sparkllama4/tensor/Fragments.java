package io.sparkllama4.tensor;

import java.lang.foreign.ValueLayout;

/// The order [Matrix.Order#FRAGMENTS]: what each lane of a warp multiplies at once lies together,
// 16
/// bytes for it and 512 for the warp, so that a GPU's tensor cores are fed by wide reads alone.
///
/// Outputs are cut into strips of 16, inputs into blocks of 16, 32 or 64 for values of 16, 8 or 4
/// bits; the blocks of a strip follow each other. Outputs that a last strip lacks are zeros, and so
/// are inputs up to a multiple of [#inputUnit].
///
/// | type | 16 bytes of lane 4g + t |
/// |---|---|
/// | BF16 | 4 words: half 0 register 0, half 0 register 1, half 1 register 0, half 1 register 1 |
/// | U8 | 8-bit integers plus 128; word 2 * step + half: register 0, register 1, two bytes each |
/// | F8_E4M3 | the same order |
/// | I32, 4-bit | plus 8; word step: nibble 2 * half + register, 4 more for the upper element |
///
/// Register r of half h in step s holds, for output 8h + g of the strip, inputs 16s + 8r + 2t and
/// the next of the block.
public final class Fragments {
  /// Outputs of a strip.
  public static final int STRIP = 16;

  /// Inputs that one instruction multiplies.
  private static final int STEP = 16;

  private static final int LANES = 32;
  private static final int LANE_BYTES = 16;

  private Fragments() {}

  /// Inputs of a block.
  public static int blockInputs(DType dtype) {
    return switch (dtype) {
      case BF16 -> 16;
      case U8, F8_E4M3 -> 32;
      case I32 -> 64;
      default -> throw new IllegalArgumentException("No fragments of " + dtype);
    };
  }

  /// Inputs are filled up to a multiple of this.
  public static int inputUnit(DType dtype) {
    return 4 * blockInputs(dtype);
  }

  /// Inputs with those that are filled up.
  public static long paddedInputs(DType dtype, long inputs) {
    return Panels.roundUp(inputs, inputUnit(dtype));
  }

  /// Strips that hold `outputs` outputs.
  public static long strips(long outputs) {
    return (outputs + STRIP - 1) / STRIP;
  }

  /// Values of a matrix, words where values are packed into words.
  public static long elements(DType dtype, long outputs, long inputs) {
    long blocks = paddedInputs(dtype, inputs) / blockInputs(dtype);
    return strips(outputs) * blocks * LANES * LANE_BYTES / dtype.bytes();
  }

  /// The stored bits of one value, read from memory of the host.
  static int bits(Matrix matrix, long output, long input) {
    DType dtype = matrix.values().dtype();
    int inputs = blockInputs(dtype);
    long blocks = paddedInputs(dtype, matrix.columns()) / inputs;
    int half = (int) (output % STRIP / 8);
    int within = (int) (input % inputs);
    int step = within / STEP;
    int register = within % STEP / 8;
    int upper = within % 2;
    int lane = (int) (output % 8) * 4 + within % 8 / 2;
    long at =
        ((output / STRIP * blocks + input / inputs) * LANES + lane) * LANE_BYTES
            + 4L
                * (dtype == DType.BF16
                    ? 2 * half + register
                    : dtype == DType.I32 ? step : 2 * step + half);
    return switch (dtype) {
      case BF16 -> matrix.values().data().get(Elements.SHORT, at + 2L * upper);
      case I32 ->
          (matrix.values().data().get(Elements.INT, at) >>> (4 * (2 * half + register + 4 * upper)))
              & 0xf;
      default ->
          matrix.values().data().get(ValueLayout.JAVA_BYTE, at + 2L * register + upper) & 0xff;
    };
  }

  /// The weight of `input` in `output`.
  static float weight(Matrix matrix, long output, long input) {
    int bits = bits(matrix, output, input);
    return switch (matrix.quantization()) {
      case Quantization.None _ -> Elements.bfloat16((short) bits);
      case Quantization.Fp8PerRow(Tensor scales) ->
          Elements.float8((byte) bits) * scales.decode(output);
      case Quantization.Int8PerRow(Tensor scales) -> (bits - 128) * scales.decode(output);
      case Quantization.Int4PerGroup(Tensor scales, int group, _) -> {
        long groups = paddedInputs(DType.I32, matrix.columns()) / group;
        yield (bits - 8)
            * scales.decode((output / STRIP * groups + input / group) * STRIP + output % STRIP);
      }
    };
  }
}
