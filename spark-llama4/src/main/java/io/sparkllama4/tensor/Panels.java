package io.sparkllama4.tensor;

import java.lang.foreign.ValueLayout;

/// The order [Matrix.Order#PANELS]: 16 rows side by side, so that a vector holds what one input
/// contributes to 16 outputs. Rows and inputs that a last panel or word lacks are zeros.
///
/// | type | one panel |
/// |---|---|
/// | F32, F16 | `[inputs][16]` |
/// | BF16 | `[inputs / 2][16][2]`: two inputs make a 32-bit word |
/// | F8_E4M3 | `[inputs][16]` |
/// | U8 | `[inputs / 4][16][4]`: 8-bit integers plus 128, inputs filled up to whole groups of 64 |
/// | I32, 4-bit | `[inputs / 8][16]`: plus 8; input i is the low (i < 4) or high nibble of byte i % 4 |
public final class Panels {
  /// Rows of a panel.
  public static final int ROWS = 16;

  /// Inputs of 8-bit weights that share a scale when they are quantised.
  public static final int INT8_GROUP = 64;

  private Panels() {}

  /// Panels that hold `rows` rows.
  public static long count(long rows) {
    return (rows + ROWS - 1) / ROWS;
  }

  /// Values of one panel, words where values are packed into words.
  ///
  /// @param group of 4-bit values, whose inputs are filled up to whole groups
  public static long elements(DType dtype, long inputs, int group) {
    return switch (dtype) {
      case BF16 -> ROWS * roundUp(inputs, 2);
      case U8 -> ROWS * roundUp(inputs, INT8_GROUP);
      case I32 -> ROWS * roundUp(inputs, group) / 8;
      default -> ROWS * inputs;
    };
  }

  /// `value` rounded up to a multiple of `unit`.
  public static long roundUp(long value, long unit) {
    return (value + unit - 1) / unit * unit;
  }

  /// The index, among the values of its panel, of `input` of the row in `lane`; of its word for
  /// 4-bit values.
  public static long index(DType dtype, int lane, long input) {
    return switch (dtype) {
      case BF16 -> input / 2 * 2 * ROWS + 2L * lane + input % 2;
      case U8 -> input / 4 * 4 * ROWS + 4L * lane + input % 4;
      case I32 -> input / 8 * ROWS + lane;
      default -> input * ROWS + lane;
    };
  }

  /// Where the nibble of `input` begins in its word.
  public static int nibbleShift(long input) {
    int within = (int) (input % 8);
    return 8 * (within % 4) + 4 * (within / 4);
  }

  /// The stored integer of a quantised matrix in panels, -127 to 127 or -8 to 7.
  public static int code(Matrix matrix, long row, long input) {
    Tensor values = matrix.values();
    int group = matrix.quantization() instanceof Quantization.Int4PerGroup(_, int g, _) ? g : 0;
    long at =
        row / ROWS * elements(values.dtype(), matrix.columns(), group)
            + index(values.dtype(), (int) (row % ROWS), input);
    return values.dtype() == DType.U8
        ? (values.data().get(ValueLayout.JAVA_BYTE, at) & 0xff) - 128
        : ((values.intAt(at) >>> nibbleShift(input)) & 0xf) - 8;
  }

  /// The scale of `row` for `input`.
  public static float scale(Matrix matrix, long row, long input) {
    long panel = row / ROWS;
    int lane = (int) (row % ROWS);
    return switch (matrix.quantization()) {
      case Quantization.None _ -> 1;
      case Quantization.Fp8PerRow(Tensor scales) -> scales.decode(row);
      case Quantization.Int8PerRow(Tensor scales) -> scales.decode(row);
      case Quantization.Int4PerGroup(Tensor scales, int group, _) -> {
        long groups = (matrix.columns() + group - 1) / group;
        yield scales.decode((panel * groups + input / group) * ROWS + lane);
      }
    };
  }

  /// The weight of `input` in `row`.
  static float weight(Matrix matrix, long row, long input) {
    return switch (matrix.quantization()) {
      case Quantization.None _, Quantization.Fp8PerRow _ -> {
        DType dtype = matrix.values().dtype();
        long panel = row / ROWS * elements(dtype, matrix.columns(), 0);
        float value = matrix.values().decode(panel + index(dtype, (int) (row % ROWS), input));
        yield value * scale(matrix, row, input);
      }
      case Quantization.Int8PerRow _, Quantization.Int4PerGroup _ ->
          code(matrix, row, input) * scale(matrix, row, input);
    };
  }
}
