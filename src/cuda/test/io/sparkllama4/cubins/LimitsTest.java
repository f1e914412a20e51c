package io.sparkllama4.cubins;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LimitsTest {
  private static final Limits LIMITS =
      Limits.read(
          """
          # comment
          matmul_sum  32 0 0 -
          matmul_*   168 1,0
          """
              .replace("1,0", "1024 65536 tensor,wide"));

  @Test
  void firstLineThatFitsHolds() {
    assertThat(LIMITS.of("matmul_sum"))
        .isEqualTo(new Limits.Line("matmul_sum", 32, 0, 0, Set.of()));
    assertThat(LIMITS.of("matmul_sums").needs()).containsOnly(Limits.TENSOR, Limits.WIDE);
    assertThat(LIMITS.of("matmul_sums").dynamicBytes()).isEqualTo(65_536);
    assertThatThrownBy(() -> LIMITS.of("attend"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[attend]")
        .hasMessageContaining(Limits.FILE);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a* 1 2 3", "a* 1 2 3 tensors", "a* 1 2 3 tensor,", "a* 1 2 3 - -"})
  void otherLinesAreRefused(String line) {
    assertThatThrownBy(() -> Limits.read(line))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(line);
  }
}
