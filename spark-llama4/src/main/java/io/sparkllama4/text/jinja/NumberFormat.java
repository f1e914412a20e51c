package io.sparkllama4.text.jinja;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Locale;

/// Floats with a given number of digits, as C's `printf` writes them: rounded from the exact
/// value, halves to even.
final class NumberFormat {
  /// More digits than any double has.
  private static final int MOST_DIGITS = 1100;

  private NumberFormat() {}

  /// @param type one of `e`, `f` and `g`, or a capital for capitals
  static String real(double value, char type, int precision) {
    if (precision > MOST_DIGITS) {
      throw new TemplateException("A precision is above " + MOST_DIGITS);
    }
    String text;
    if (Double.isNaN(value) || Double.isInfinite(value)) {
      text = Floats.text(value);
    } else {
      BigDecimal exact = new BigDecimal(Math.abs(value));
      String sign = value < 0 || 1 / value < 0 ? "-" : "";
      text =
          sign
              + switch (Character.toLowerCase(type)) {
                case 'f' -> exact.setScale(precision, RoundingMode.HALF_EVEN).toPlainString();
                case 'e' -> scientific(exact, precision);
                default -> general(exact, Math.max(1, precision));
              };
    }
    return Character.isUpperCase(type) ? text.toUpperCase(Locale.ROOT) : text;
  }

  private static String scientific(BigDecimal exact, int precision) {
    BigDecimal rounded = exact.round(new MathContext(precision + 1, RoundingMode.HALF_EVEN));
    String digits = rounded.unscaledValue().toString();
    int exponent = exact.signum() == 0 ? 0 : digits.length() - rounded.scale() - 1;
    digits += "0".repeat(Math.max(0, precision + 1 - digits.length()));
    String fraction = precision == 0 ? "" : "." + digits.substring(1, precision + 1);
    return digits.charAt(0) + fraction + Floats.exponent(exponent);
  }

  private static String general(BigDecimal exact, int digits) {
    BigDecimal rounded = exact.round(new MathContext(digits, RoundingMode.HALF_EVEN));
    int exponent = exact.signum() == 0 ? 0 : rounded.precision() - rounded.scale() - 1;
    if (exponent < -4 || exponent >= digits) {
      String text = scientific(exact, digits - 1);
      int e = text.indexOf('e');
      return withoutZeros(text.substring(0, e)) + text.substring(e);
    }
    return withoutZeros(
        exact.setScale(digits - 1 - exponent, RoundingMode.HALF_EVEN).toPlainString());
  }

  private static String withoutZeros(String text) {
    return text.indexOf('.') < 0 ? text : text.replaceFirst("\\.?0+$", "");
  }
}
