package io.sparkllama4.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sparkllama4.backend.SampleResult;
import io.sparkllama4.backend.SampleRow;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import org.junit.jupiter.api.Test;

/// Which log-probabilities one row of logits gives.
class LogitSamplerTest {
  private static final double[] PROBABILITIES = {0.5, 0.25, 0.125, 0.125};

  private static SampleResult sample(SampleRow row) {
    try (NativeArena memory = new NativeArena()) {
      Tensor logits = memory.allocate(DType.F32, PROBABILITIES.length);
      for (int i = 0; i < PROBABILITIES.length; i++) {
        logits.set(i, (float) (Math.log(PROBABILITIES[i]) + 3));
      }
      return LogitSampler.sample(logits, row);
    }
  }

  private static SampleRow row(int[] targets, int alternatives) {
    return new SampleRow(0, 0, 1, 0, SampleRow.Penalties.NONE, 0, targets, alternatives);
  }

  @Test
  void thoseOfSeveralTargetsInTheirOrder() {
    SampleResult result = sample(SampleRow.score(new int[] {3, 0, 1}, 2));
    assertThat(result.logprobs()).hasSize(3);
    assertThat(Math.exp(result.logprobs()[0])).isCloseTo(0.125, within(1e-6));
    assertThat(Math.exp(result.logprobs()[1])).isCloseTo(0.5, within(1e-6));
    assertThat(Math.exp(result.logprobs()[2])).isCloseTo(0.25, within(1e-6));
    assertThat(result.alternativeIds()).containsExactly(0, 1);
    for (int i = 0; i < 3; i++) {
      SampleResult alone = sample(SampleRow.score(new int[] {new int[] {3, 0, 1}[i]}, 0));
      assertThat(alone.logprobs()).containsExactly(result.logprobs()[i]);
    }
  }

  @Test
  void thatOfTheSampledTokenWhereNoneIsNamed() {
    SampleResult result = sample(row(new int[0], 0));
    assertThat(result.id()).isZero();
    assertThat(result.logprobs()).hasSize(1);
    assertThat(Math.exp(result.logprobs()[0])).isCloseTo(0.5, within(1e-6));
  }

  @Test
  void noneWhereNoneIsWanted() {
    assertThat(sample(row(new int[0], SampleRow.NO_LOGPROBS)).logprobs()).isEmpty();
  }
}
