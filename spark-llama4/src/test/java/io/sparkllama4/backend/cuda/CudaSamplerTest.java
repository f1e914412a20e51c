package io.sparkllama4.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sparkllama4.backend.SampleResult;
import io.sparkllama4.backend.SampleRow;
import io.sparkllama4.backend.cpu.ScalarKernels;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Sampling on the emulated device against the plain form. Ids are the same, unless a sum of
/// probabilities lies so near to where a token begins that the order of adding decides; see
/// [SampleBounds].
@Timeout(300)
class CudaSamplerTest {
  private static final SampleRow.Penalties NONE = SampleRow.Penalties.NONE;
  private static final double NEARLY_ONE = Math.nextDown(1.0);

  private static List<SampleResult> expected(float[][] logits, List<SampleRow> rows) {
    try (NativeArena arena = new NativeArena()) {
      Tensor tensor = arena.allocate(DType.F32, logits.length, logits[0].length);
      for (int r = 0; r < logits.length; r++) {
        for (int i = 0; i < logits[r].length; i++) {
          tensor.set((long) r * logits[r].length + i, logits[r][i]);
        }
      }
      return new ScalarKernels().sample(tensor, rows);
    }
  }

  /// Samples on the device, and compares.
  ///
  /// @return how many ids are others than those of the plain form
  private static int check(SamplingDevice device, float[][] logits, List<SampleRow> rows) {
    List<SampleResult> found = device.sample(logits, rows);
    List<SampleResult> expected = expected(logits, rows);
    assertThat(found).hasSameSizeAs(expected);
    int others = 0;
    for (int r = 0; r < rows.size(); r++) {
      String what = "row %d: %s".formatted(r, rows.get(r));
      SampleResult one = found.get(r);
      SampleResult plain = expected.get(r);
      if (one.id() != plain.id()) {
        others++;
        assertThat(SampleBounds.allow(logits[r], rows.get(r), one.id()))
            .as("%s: %d instead of %d", what, one.id(), plain.id())
            .isTrue();
      }
      assertThat(one.alternativeIds()).as(what).isEqualTo(plain.alternativeIds());
      assertThat(one.alternativeLogprobs())
          .as(what)
          .usingComparatorWithPrecision(1e-5f)
          .containsExactly(plain.alternativeLogprobs());
      if (one.id() == plain.id() || rows.get(r).targets().length > 0) {
        assertThat(one.logprobs())
            .as(what)
            .usingComparatorWithPrecision(1e-5f)
            .containsExactly(plain.logprobs());
      }
    }
    return others;
  }

  /// Logits as models have them, with ties, far outliers, all alike, or tiny.
  private static float[] logits(Random random, int tokens) {
    float[] values = new float[tokens];
    int kind = random.nextInt(6);
    for (int i = 0; i < tokens; i++) {
      float value = (float) random.nextGaussian() * 3;
      values[i] =
          switch (kind) {
            case 0 -> Math.round(value) * 0.5f;
            case 1 -> random.nextInt(20) == 0 ? -1e30f : value;
            case 2 -> random.nextInt(4) == 0 ? -0f : 0f;
            case 3 -> value * 1e-30f;
            default -> value;
          };
    }
    return values;
  }

  private static int[] distinct(Random random, int tokens, int count) {
    int[] all = IntStream.range(0, tokens).toArray();
    int kept = Math.min(tokens, count);
    for (int i = 0; i < kept; i++) {
      int other = i + random.nextInt(tokens - i);
      int swapped = all[i];
      all[i] = all[other];
      all[other] = swapped;
    }
    return Arrays.copyOf(all, kept);
  }

  private static SampleRow.Penalties penalties(Random random, int tokens) {
    int[] ids = distinct(random, tokens, random.nextInt(40));
    return new SampleRow.Penalties(
        new float[] {1, 0.5f, 1.3f}[random.nextInt(3)],
        new float[] {0, 0.7f, -0.4f}[random.nextInt(3)],
        new float[] {0, 0.25f, -0.1f}[random.nextInt(3)],
        ids,
        IntStream.range(0, ids.length).map(_ -> random.nextInt(4)).toArray());
  }

  private static SampleRow row(Random random, int tokens) {
    double uniform =
        switch (random.nextInt(8)) {
          case 0 -> 0;
          case 1 -> 1e-12;
          case 2 -> 1 - 1e-6;
          default -> random.nextDouble();
        };
    int[] alternatives = {SampleRow.NO_LOGPROBS, 0, 1, 5};
    return new SampleRow(
        new float[] {0, 0.1f, 0.7f, 1, 1.5f, 10}[random.nextInt(6)],
        new int[] {0, 1, 3, 40, 600, 10_000}[random.nextInt(6)],
        new float[] {1, 1, 0.95f, 0.5f, 0.01f, 0}[random.nextInt(6)],
        new float[] {0, 0, 0.001f, 0.1f, 1}[random.nextInt(5)],
        random.nextBoolean() ? NONE : penalties(random, tokens),
        uniform,
        random.nextBoolean() ? new int[0] : distinct(random, tokens, 3),
        Math.min(tokens, alternatives[random.nextInt(alternatives.length)]));
  }

  @ParameterizedTest
  @EnumSource(EmulatedDriver.Schedule.class)
  void randomRowsOfEveryWish(EmulatedDriver.Schedule schedule) {
    int others = 0;
    int all = 0;
    try (SamplingDevice device = new SamplingDevice(schedule)) {
      Random random = new Random(schedule.name().hashCode());
      for (int tokens : new int[] {1, 7, 512, 513, 5000}) {
        for (int round = 0; round < 3; round++) {
          int count = tokens == 5000 ? 24 : 40;
          float[][] logits = new float[count][];
          List<SampleRow> rows = new ArrayList<>();
          for (int r = 0; r < count; r++) {
            logits[r] = logits(random, tokens);
            rows.add(row(random, tokens));
          }
          others += check(device, logits, rows);
          all += count;
        }
      }
    }
    // Equal logits put bounds on round numbers, where 1e-12 of 5000 tokens may lie.
    assertThat(others).isLessThan(all / 50);
  }

  private static SampleRow plain(float temperature, double uniform) {
    return new SampleRow(temperature, 0, 1, 0, NONE, uniform, new int[0], SampleRow.NO_LOGPROBS);
  }

  @ParameterizedTest
  @EnumSource(EmulatedDriver.Schedule.class)
  void greedyTakesTheLowestOfEqualTokens(EmulatedDriver.Schedule schedule) {
    try (SamplingDevice device = new SamplingDevice(schedule)) {
      float[][] logits = new float[3][2000];
      logits[0][1999] = 4;
      logits[0][700] = 4;
      logits[1][1998] = Float.MIN_VALUE;
      Arrays.fill(logits[2], -7);
      logits[2][3] = -8;
      List<SampleRow> rows = List.of(plain(0, 0), plain(0, 0), plain(0, 0));
      assertThat(device.sample(logits, rows))
          .extracting(SampleResult::id)
          .containsExactly(700, 1998, 0);
      assertThat(device.sample(new float[][] {{-0f, 0f, -0f}}, List.of(plain(0, 0))))
          .extracting(SampleResult::id)
          .containsExactly(0);
    }
  }

  @ParameterizedTest
  @EnumSource(EmulatedDriver.Schedule.class)
  void rowsThatAreNotFiniteHaveNothing(EmulatedDriver.Schedule schedule) {
    try (SamplingDevice device = new SamplingDevice(schedule)) {
      float[] broken = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, -Float.NaN};
      float[][] logits = new float[5][900];
      List<SampleRow> rows = new ArrayList<>();
      for (int r = 0; r < 5; r++) {
        if (r < broken.length) {
          logits[r][899 - 250 * r] = broken[r];
        }
        rows.add(new SampleRow(r % 2, 0, 0.9f, 0, NONE, 0.5, new int[] {4}, 3));
      }
      assertThat(check(device, logits, rows)).isZero();
      List<SampleResult> found = device.sample(logits, rows);
      for (SampleResult one : found.subList(0, 4)) {
        assertThat(one.id()).isEqualTo(SampleResult.NOT_A_NUMBER);
        assertThat(one.logprobs()).isEmpty();
        assertThat(one.alternativeIds()).isEmpty();
        assertThat(one.alternativeLogprobs()).isEmpty();
      }
      assertThat(found.get(4).alternativeIds()).containsExactly(0, 1, 2);
    }
  }

  /// Draws from flat rows of many candidates, which no window holds at once.
  @ParameterizedTest
  @EnumSource(EmulatedDriver.Schedule.class)
  void drawsGoThroughTheWholeRow(EmulatedDriver.Schedule schedule) {
    try (SamplingDevice device = new SamplingDevice(schedule)) {
      Random random = new Random(5);
      float[] row = new float[5000];
      for (int i = 0; i < row.length; i++) {
        row[i] = (float) random.nextGaussian();
      }
      List<SampleRow> rows = new ArrayList<>();
      for (double uniform : new double[] {0, 1e-9, 0.1, 0.5, 0.9, 0.999999, NEARLY_ONE}) {
        for (float temperature : new float[] {0.1f, 1, 10}) {
          rows.add(plain(temperature, uniform));
        }
        for (int topK : new int[] {0, 512, 513, 3000}) {
          for (float topP : new float[] {1, 0.99f, 0.3f}) {
            for (float minP : new float[] {0, 0.02f}) {
              int none = SampleRow.NO_LOGPROBS;
              rows.add(new SampleRow(2, topK, topP, minP, NONE, uniform, new int[0], none));
            }
          }
        }
      }
      float[][] logits = new float[rows.size()][];
      Arrays.fill(logits, row);
      // Only next to 1 does the order of adding decide among the last tokens.
      assertThat(check(device, logits, rows)).isLessThanOrEqualTo(rows.size() / 7);
    }
  }

  @ParameterizedTest
  @EnumSource(EmulatedDriver.Schedule.class)
  void manyTargetsAndAlternatives(EmulatedDriver.Schedule schedule) {
    try (SamplingDevice device = new SamplingDevice(schedule)) {
      Random random = new Random(6);
      float[][] logits = new float[6][];
      List<SampleRow> rows = new ArrayList<>();
      for (int r = 0; r < logits.length; r++) {
        logits[r] = logits(random, 1700);
        int[] targets = distinct(random, 1700, 300 * r);
        rows.add(SampleRow.score(targets, new int[] {0, 511, 512, 513, 1699, 1700}[r]));
      }
      assertThat(check(device, logits, rows)).isZero();
    }
  }

  @ParameterizedTest
  @EnumSource(EmulatedDriver.Schedule.class)
  void aRowIsTheSameAloneAndAmongOthers(EmulatedDriver.Schedule schedule) {
    try (SamplingDevice device = new SamplingDevice(schedule)) {
      Random random = new Random(8);
      float[][] logits = new float[12][];
      List<SampleRow> rows = new ArrayList<>();
      for (int r = 0; r < logits.length; r++) {
        logits[r] = logits(random, 3000);
        rows.add(row(random, 3000));
      }
      List<SampleResult> together = device.sample(logits, rows);
      for (int r = 0; r < logits.length; r++) {
        SampleResult alone = device.sample(new float[][] {logits[r]}, List.of(rows.get(r))).get(0);
        assertThat(alone).usingRecursiveComparison().isEqualTo(together.get(r));
      }
    }
  }

  /// A row with a mask is the row of the allowed tokens; log-probabilities are those of the whole.
  @ParameterizedTest
  @EnumSource(EmulatedDriver.Schedule.class)
  void onlyAllowedTokensAreSampled(EmulatedDriver.Schedule schedule) {
    try (SamplingDevice device = new SamplingDevice(schedule)) {
      Random random = new Random(9);
      int tokens = 1500;
      for (int round = 0; round < 24; round++) {
        float[] values = logits(random, tokens);
        int[] kept = distinct(random, tokens, round < 12 ? 2 + round : 1400);
        Arrays.sort(kept);
        BitSet mask = new BitSet();
        float[] part = new float[kept.length];
        for (int i = 0; i < kept.length; i++) {
          mask.set(kept[i]);
          part[i] = values[kept[i]];
        }
        SampleRow asked = row(random, tokens);
        SampleRow free =
            new SampleRow(
                asked.temperature(),
                asked.topK(),
                asked.topP(),
                asked.minP(),
                NONE,
                0.37,
                new int[0],
                2);
        SampleResult found = device.sample(values, free, mask);
        SampleResult masked = expected(new float[][] {part}, List.of(free)).get(0);
        assertThat(found.id()).as("%s", free).isEqualTo(kept[masked.id()]);
        SampleRow target = SampleRow.score(new int[] {found.id()}, 2);
        SampleResult whole = expected(new float[][] {values}, List.of(target)).get(0);
        assertThat(found.logprobs()[0]).isCloseTo(whole.logprobs()[0], within(1e-5f));
        assertThat(found.alternativeIds()).isEqualTo(whole.alternativeIds());
      }
      assertThat(device.sample(new float[40], plain(1, 0.5), new BitSet()).id())
          .isEqualTo(SampleResult.NOT_A_NUMBER);
    }
  }

  @Test
  void tokensOutsideOfTheVocabularyAreRefused() {
    try (SamplingDevice device = new SamplingDevice(EmulatedDriver.Schedule.IN_ORDER)) {
      float[][] logits = new float[1][8];
      assertThatThrownBy(() -> device.sample(logits, List.of(SampleRow.score(new int[] {7, 8}, 0))))
          .hasMessageContaining("Token [8] of [8] tokens");
      assertThatThrownBy(() -> device.sample(logits, List.of(SampleRow.score(new int[0], 9))))
          .hasMessageContaining("[9] alternatives of [8] tokens");
      assertThat(device.sample(logits, List.of())).isEmpty();
    }
  }

  @Test
  void whatAStepNeededIsKept() {
    try (SamplingDevice device = new SamplingDevice(EmulatedDriver.Schedule.IN_ORDER)) {
      float[][] logits = new float[4][300];
      SampleRow large = new SampleRow(1, 0, 1, 0, NONE, 0.5, new int[0], 300);
      SampleRow small = new SampleRow(1, 0, 1, 0, NONE, 0.5, new int[0], 0);
      check(device, logits, List.of(large, large, large, large));
      long taken = device.allocations();
      check(device, logits, List.of(small, small, large, small));
      assertThat(device.allocations()).isEqualTo(taken);
    }
  }
}
