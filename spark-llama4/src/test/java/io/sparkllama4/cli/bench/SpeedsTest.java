package io.sparkllama4.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SpeedsTest {
  private static final Speeds ALL =
      new Speeds(100, Optional.of(200.0), Optional.of(400.0), Optional.of(800.0), 10);
  private static final Speeds PLAIN =
      new Speeds(100, Optional.empty(), Optional.empty(), Optional.empty(), 10);

  @ParameterizedTest
  @CsvSource({
    "f32,fp32",
    "f16,fp32",
    "bf16,bf16",
    "fp8,bf16",
    "w4a16,bf16",
    "int8,int8",
    "int4,int4"
  })
  void theBestInstructionForAFormOfWeightsIsItsCeiling(String weights, String instruction) {
    assertThat(ALL.multiplyAdds(weights).name()).isEqualTo(instruction);
    assertThat(PLAIN.multiplyAdds(weights)).isEqualTo(new Speeds.Ceiling("fp32", 100));
  }

  @Test
  void aSlowerInstructionIsNoCeiling() {
    Speeds slow = new Speeds(100, Optional.of(50.0), Optional.empty(), Optional.empty(), 10);

    assertThat(slow.multiplyAdds("bf16").name()).isEqualTo("fp32");
  }

  @Test
  void whatIsNotMeasuredStaysAbsent() {
    assertThat(Speeds.mean(ALL, PLAIN).bf16()).isEmpty();
    assertThat(Speeds.median(List.of(PLAIN, PLAIN)).int8()).isEmpty();
    assertThat(Speeds.median(List.of(ALL, ALL, PLAIN)).int8()).contains(400.0);
    assertThat(
            Speeds.mean(
                ALL, new Speeds(300, Optional.of(400.0), Optional.empty(), Optional.empty(), 30)))
        .isEqualTo(new Speeds(200, Optional.of(300.0), Optional.empty(), Optional.empty(), 20));
  }
}
