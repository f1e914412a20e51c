package io.sparkllama4.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// How elements lie in memory, and what they are worth as float32. The conversions are exact: every
/// value of the narrower types is a float32.
public final class Elements {
  /// Little-endian whatever the machine, and at any address: a checkpoint need not align its data.
  public static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  public static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  public static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  public static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /// 2^120: moves an E4M3 exponent, once it stands in a float32's exponent field, from bias 127 to
  /// bias 7.
  private static final float E4M3_TO_FLOAT = 0x1p120f;

  private Elements() {}

  /// Element `index` of `data`, seen as a row of `dtype`, as a float32.
  ///
  /// @throws IllegalArgumentException where elements of `dtype` are no numbers by themselves
  public static float decode(MemorySegment data, DType dtype, long index) {
    return switch (dtype) {
      case F32 -> data.get(FLOAT, 4 * index);
      case BF16 -> bfloat16(data.get(SHORT, 2 * index));
      case F16 -> Float.float16ToFloat(data.get(SHORT, 2 * index));
      case F8_E4M3 -> float8(data.get(ValueLayout.JAVA_BYTE, index));
      case F64, F8_E5M2, I64, I32, I16, I8, U64, U32, U16, U8, BOOL ->
          throw new IllegalArgumentException("Weights cannot be stored as [" + dtype + "]");
    };
  }

  /// The value of 16 bits of brain float.
  public static float bfloat16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /// The brain float nearest to `value`, ties to even.
  public static short toBfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  /// The value of 8 bits of E4M3FN: sign, 4 exponent bits with bias 7, 3 mantissa bits; 0x7F and
  /// 0xFF are NaN, the largest value is 448.
  public static float float8(byte bits) {
    int magnitude = bits & 0x7f;
    if (magnitude == 0x7f) {
      return Float.NaN;
    }
    return Float.intBitsToFloat(((bits & 0x80) << 24) | (magnitude << 20)) * E4M3_TO_FLOAT;
  }
}
