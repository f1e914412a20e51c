package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.SampleRow;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/// What a draw may give. Where the cumulated probability of a token, or a truncation, lies within
/// 1e-9 of the whole of the random number's, its neighbour may be drawn as well: sums have another
/// order on the device.
final class SampleBounds {
  private static final double NEAR = 1e-9;

  private SampleBounds() {}

  /// Whether `id` may be drawn from `logits`.
  static boolean allow(float[] logits, SampleRow row, int id) {
    if (row.temperature() == 0 || id < 0) {
      return false;
    }
    float[] values = penalized(logits, row.penalties());
    int[] ranked =
        IntStream.range(0, values.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> -values[i]))
            .mapToInt(Integer::intValue)
            .toArray();
    int kept = row.topK() > 0 ? Math.min(row.topK(), values.length) : values.length;
    double[] weights = new double[kept];
    for (int i = 0; i < kept; i++) {
      double behind = (double) values[ranked[i]] - values[ranked[0]];
      weights[i] = Math.exp(behind / row.temperature());
    }
    double total = Arrays.stream(weights).sum();
    double before = 0;
    double after = 0;
    for (int i = 0; i < kept && (i == 0 || ranked[i - 1] != id); i++) {
      before = after;
      after += weights[i];
    }
    double mass = 0;
    for (int i = 0; i < kept; i++) {
      boolean mayEnd =
          i > 0
              && (mass >= row.topP() * total * (1 - NEAR) || weights[i] < row.minP() * (1 + NEAR));
      boolean mustEnd =
          i > 0
              && (mass >= row.topP() * total * (1 + NEAR) || weights[i] < row.minP() * (1 - NEAR));
      if (mayEnd && isDrawn(before, after, mass, row.uniform())) {
        return true;
      }
      if (mustEnd) {
        return false;
      }
      mass += weights[i];
    }
    return isDrawn(before, after, mass, row.uniform());
  }

  private static boolean isDrawn(double before, double after, double mass, double uniform) {
    return after <= mass * (1 + NEAR)
        && before <= (uniform + NEAR) * mass
        && after >= (uniform - NEAR) * mass;
  }

  private static float[] penalized(float[] logits, SampleRow.Penalties penalties) {
    float[] values = logits.clone();
    for (int i = 0; i < penalties.tokens().length; i++) {
      int token = penalties.tokens()[i];
      int count = penalties.outputCounts()[i];
      float value = values[token];
      value = value > 0 ? value / penalties.repetition() : value * penalties.repetition();
      values[token] =
          count > 0 ? value - (penalties.presence() + penalties.frequency() * count) : value;
    }
    return values;
  }
}
