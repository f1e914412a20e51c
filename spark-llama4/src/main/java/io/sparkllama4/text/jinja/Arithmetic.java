package io.sparkllama4.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;

/// Python's numbers: integers without limit, floats, and truth values that count as 0 and 1.
final class Arithmetic {
  /// Python itself prints no integer of more than 4300 digits.
  private static final int MOST_BITS = 14_284;

  /// Up to here every integer is a double.
  private static final long EXACT = 1L << 53;

  private Arithmetic() {}

  /// The one form of an integer: `Long` where it fits.
  static Object integer(BigInteger value) {
    if (value.bitLength() < Long.SIZE) {
      return value.longValue();
    }
    if (value.bitLength() > MOST_BITS) {
      throw new TemplateException("An integer has more than 4300 digits");
    }
    return value;
  }

  static BigInteger big(Object value) {
    return switch (value) {
      case Boolean truth -> truth ? BigInteger.ONE : BigInteger.ZERO;
      case Long number -> BigInteger.valueOf(number);
      case BigInteger number -> number;
      default -> throw new TemplateException("'" + Values.typeName(value) + "' is no integer");
    };
  }

  static double real(Object value) {
    double real =
        switch (value) {
          case Double number -> number;
          case Boolean truth -> truth ? 1 : 0;
          case Long number -> number;
          case BigInteger number -> number.doubleValue();
          default -> throw new TemplateException("'" + Values.typeName(value) + "' is no number");
        };
    if (Double.isInfinite(real) && value instanceof BigInteger) {
      throw new TemplateException("int too large to convert to float");
    }
    return real;
  }

  static int compare(Object a, Object b) {
    if (a instanceof Long x && b instanceof Long y) {
      return Long.compare(x, y);
    }
    if (Values.isInteger(a) && Values.isInteger(b)) {
      return big(a).compareTo(big(b));
    }
    double x = real(a);
    double y = real(b);
    if (Double.isInfinite(x) || Double.isInfinite(y) || (small(a) && small(b))) {
      return x < y ? -1 : x > y ? 1 : 0;
    }
    return decimal(a).compareTo(decimal(b));
  }

  private static boolean small(Object value) {
    return Math.abs(real(value)) < EXACT;
  }

  private static BigDecimal decimal(Object value) {
    return value instanceof Double number ? new BigDecimal(number) : new BigDecimal(big(value));
  }

  private static boolean isReal(Object a, Object b) {
    return a instanceof Double || b instanceof Double;
  }

  static Object add(Object a, Object b) {
    return isReal(a, b) ? (Object) (real(a) + real(b)) : integer(big(a).add(big(b)));
  }

  static Object subtract(Object a, Object b) {
    return isReal(a, b) ? (Object) (real(a) - real(b)) : integer(big(a).subtract(big(b)));
  }

  static Object multiply(Object a, Object b) {
    return isReal(a, b) ? (Object) (real(a) * real(b)) : integer(big(a).multiply(big(b)));
  }

  static Object divide(Object a, Object b) {
    if (real(b) == 0) {
      throw new TemplateException(isReal(a, b) ? "float division by zero" : "division by zero");
    }
    if (isReal(a, b) || (small(a) && small(b))) {
      return real(a) / real(b);
    }
    // Two roundings would not give the nearest double; forty digits do.
    return new BigDecimal(big(a)).divide(new BigDecimal(big(b)), new MathContext(40)).doubleValue();
  }

  static Object floorDivide(Object a, Object b) {
    if (isReal(a, b)) {
      return floorDivide(real(a), real(b));
    }
    BigInteger[] parts = quotient(a, b);
    return integer(
        parts[1].signum() == 0 || parts[1].signum() == big(b).signum()
            ? parts[0]
            : parts[0].subtract(BigInteger.ONE));
  }

  /// As CPython divides floats: exact remainder first, then the nearest whole number.
  private static double floorDivide(double a, double b) {
    if (b == 0) {
      throw new TemplateException("float floor division by zero");
    }
    double remainder = a % b;
    double quotient = (a - remainder) / b;
    if (remainder != 0 && (b < 0) != (remainder < 0)) {
      quotient -= 1;
    }
    if (quotient == 0) {
      return Math.copySign(0.0, a / b);
    }
    double floor = Math.floor(quotient);
    return quotient - floor > 0.5 ? floor + 1 : floor;
  }

  /// What is left has the sign of the divisor.
  static Object modulo(Object a, Object b) {
    if (isReal(a, b)) {
      double divisor = real(b);
      if (divisor == 0) {
        throw new TemplateException("float modulo");
      }
      double remainder = real(a) % divisor;
      if (remainder == 0) {
        return Math.copySign(0.0, divisor);
      }
      return (remainder < 0) == (divisor < 0) ? remainder : remainder + divisor;
    }
    BigInteger remainder = quotient(a, b)[1];
    return integer(
        remainder.signum() == 0 || remainder.signum() == big(b).signum()
            ? remainder
            : remainder.add(big(b)));
  }

  private static BigInteger[] quotient(Object a, Object b) {
    if (big(b).signum() == 0) {
      throw new TemplateException("integer division or modulo by zero");
    }
    return big(a).divideAndRemainder(big(b));
  }

  static Object power(Object a, Object b) {
    if (!isReal(a, b) && big(b).signum() >= 0) {
      BigInteger base = big(a);
      BigInteger exponent = big(b);
      if (base.abs().bitLength() <= 1) {
        return integer(base.pow(exponent.testBit(0) ? 1 : exponent.signum() == 0 ? 0 : 2));
      }
      if (exponent.bitLength() > 31
          || (base.abs().bitLength() - 1L) * exponent.longValue() > MOST_BITS) {
        throw new TemplateException("An integer has more than 4300 digits");
      }
      return integer(base.pow(exponent.intValue()));
    }
    double base = real(a);
    double exponent = real(b);
    if (base == 0 && exponent < 0) {
      throw new TemplateException("0.0 cannot be raised to a negative power");
    }
    double power = Math.pow(base, exponent);
    if (Double.isNaN(power) && !Double.isNaN(base) && !Double.isNaN(exponent)) {
      throw new TemplateException("A power is a complex number");
    }
    if (Double.isInfinite(power) && !Double.isInfinite(base) && !Double.isInfinite(exponent)) {
      throw new TemplateException("A power is too large");
    }
    return power;
  }

  static Object negate(Object a) {
    return a instanceof Double number ? (Object) (-number) : integer(big(a).negate());
  }

  static Object absolute(Object a) {
    return a instanceof Double number ? (Object) Math.abs(number) : integer(big(a).abs());
  }

  /// The integer towards zero, of a finite number.
  static Object truncate(double value) {
    if (Double.isNaN(value) || Double.isInfinite(value)) {
      throw new TemplateException("cannot convert float " + Floats.text(value) + " to integer");
    }
    return integer(new BigDecimal(value).toBigInteger());
  }
}
