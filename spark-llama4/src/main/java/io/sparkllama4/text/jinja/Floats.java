package io.sparkllama4.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;

/// How Python prints a float: the fewest digits that read back as the same number.
final class Floats {
  /// Python writes an exponent from here on.
  private static final int LARGEST_PLAIN = 16;

  private static final int SMALLEST_PLAIN = -4;

  private Floats() {}

  static String text(double value) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    String sign = 1 / value < 0 || value < 0 ? "-" : "";
    if (value == 0) {
      return sign + "0.0";
    }
    // Since JDK 19 Double.toString gives the shortest digits, in a layout of its own.
    BigDecimal decimal = new BigDecimal(Double.toString(Math.abs(value))).stripTrailingZeros();
    // It gives two digits where one would do.
    BigDecimal single = decimal.round(new MathContext(1));
    decimal = single.doubleValue() == Math.abs(value) ? single.stripTrailingZeros() : decimal;
    BigInteger unscaled = decimal.unscaledValue();
    String digits = unscaled.toString();
    int exponent = digits.length() - decimal.scale() - 1;
    if (exponent < SMALLEST_PLAIN || exponent >= LARGEST_PLAIN) {
      String fraction = digits.length() > 1 ? "." + digits.substring(1) : "";
      return sign + digits.charAt(0) + fraction + exponent(exponent);
    }
    String plain = decimal.toPlainString();
    return sign + plain + (plain.indexOf('.') < 0 ? ".0" : "");
  }

  /// An exponent of at least two digits, with its sign.
  static String exponent(int exponent) {
    int size = Math.abs(exponent);
    return "e" + (exponent < 0 ? "-" : "+") + (size < 10 ? "0" : "") + size;
  }
}
