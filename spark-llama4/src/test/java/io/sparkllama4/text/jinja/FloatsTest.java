package io.sparkllama4.text.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FloatsTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0.0",
    "-0.0, -0.0",
    "1, 1.0",
    "-2.5, -2.5",
    "0.1, 0.1",
    "0.0001, 0.0001",
    "0.00001, 1e-05",
    "1.5e-7, 1.5e-07",
    "123456789012345680, 1.2345678901234568e+17",
    "9999999999999998, 9999999999999998.0",
    "1e16, 1e+16",
    "2e23, 2e+23",
    "4.9e-324, 5e-324",
    "1.7976931348623157e308, 1.7976931348623157e+308",
    "NaN, nan",
    "Infinity, inf",
    "-Infinity, -inf"
  })
  void printsAsPythonDoes(double value, String text) {
    assertThat(Floats.text(value)).isEqualTo(text);
  }
}
