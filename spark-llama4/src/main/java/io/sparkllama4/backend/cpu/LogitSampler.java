package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.SampleResult;
import io.sparkllama4.backend.SampleRow;
import io.sparkllama4.tensor.Tensor;
import java.util.Arrays;

/// Makes one row of logits into one token: penalties, temperature, top-k, top-p, min-p, choice.
///
/// Probabilities are summed in double precision, in order of rank; every step is a function of the
/// row alone.
final class LogitSampler {
  private LogitSampler() {}

  /// Samples from `logits`, `[V]`, which it changes.
  static SampleResult sample(Tensor logits, SampleRow row) {
    float[] values = new float[logits.rows()];
    for (int i = 0; i < values.length; i++) {
      values[i] = logits.at(i);
      if (!Float.isFinite(values[i])) {
        return new SampleResult(SampleResult.NOT_A_NUMBER, new float[0], new int[0], new float[0]);
      }
    }
    boolean wantsLogprobs = row.alternatives() != SampleRow.NO_LOGPROBS;
    double logNormalizer = wantsLogprobs ? logSumExp(values) : 0;
    int[] best = best(values, Math.max(0, row.alternatives()));
    float[] bestLogprobs = new float[best.length];
    for (int i = 0; i < best.length; i++) {
      bestLogprobs[i] = (float) (values[best[i]] - logNormalizer);
    }
    float[] model = wantsLogprobs ? values.clone() : values;
    penalize(values, row.penalties());
    int id = row.temperature() == 0 ? argmax(values) : draw(values, row);
    int[] targets = row.targets().length == 0 ? new int[] {id} : row.targets();
    float[] logprobs = new float[wantsLogprobs ? targets.length : 0];
    for (int i = 0; i < logprobs.length; i++) {
      logprobs[i] = (float) (model[targets[i]] - logNormalizer);
    }
    return new SampleResult(id, logprobs, best, bestLogprobs);
  }

  /// The index of the highest value, the lowest such index on a tie.
  static int argmax(float[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      if (values[i] > values[best]) {
        best = i;
      }
    }
    return best;
  }

  private static double logSumExp(float[] values) {
    double highest = values[argmax(values)];
    double sum = 0;
    for (float value : values) {
      sum += Math.exp(value - highest);
    }
    return highest + Math.log(sum);
  }

  private static void penalize(float[] values, SampleRow.Penalties penalties) {
    for (int i = 0; i < penalties.tokens().length; i++) {
      int token = penalties.tokens()[i];
      int count = penalties.outputCounts()[i];
      float value = values[token];
      value = value > 0 ? value / penalties.repetition() : value * penalties.repetition();
      if (count > 0) {
        value -= penalties.presence() + penalties.frequency() * count;
      }
      values[token] = value;
    }
  }

  /// Draws one of the candidates that the truncations leave.
  private static int draw(float[] values, SampleRow row) {
    int kept = row.topK() > 0 ? Math.min(row.topK(), values.length) : values.length;
    int[] ranked = best(values, kept);
    double[] weights = new double[ranked.length];
    double total = 0;
    for (int i = 0; i < ranked.length; i++) {
      weights[i] = Math.exp((values[ranked[i]] - (double) values[ranked[0]]) / row.temperature());
      total += weights[i];
    }
    int candidates = 0;
    double mass = 0;
    // The best candidate has weight 1, so min-p compares weights as they are.
    while (candidates < ranked.length
        && (candidates == 0 || (mass < row.topP() * total && weights[candidates] >= row.minP()))) {
      mass += weights[candidates++];
    }
    double threshold = row.uniform() * mass;
    double sum = 0;
    for (int i = 0; i < candidates; i++) {
      sum += weights[i];
      if (sum > threshold) {
        return ranked[i];
      }
    }
    return ranked[candidates - 1];
  }

  /// The indices of the `count` highest values, best first, the lower index first on a tie.
  static int[] best(float[] values, int count) {
    if (count == 0) {
      return new int[0];
    }
    if (count == 1) {
      return new int[] {argmax(values)};
    }
    // Keys that sort ascending as values descend, then as indices ascend.
    long[] keys = new long[values.length];
    for (int i = 0; i < keys.length; i++) {
      keys[i] = ((long) ~sortable(values[i]) << 32) | i;
    }
    if (count < keys.length) {
      select(keys, count);
      keys = Arrays.copyOf(keys, count);
    }
    Arrays.sort(keys);
    int[] indices = new int[count];
    for (int i = 0; i < count; i++) {
      indices[i] = (int) keys[i];
    }
    return indices;
  }

  /// A number that orders as an int the way the floats order, -0 and 0 alike.
  private static int sortable(float value) {
    int bits = Float.floatToRawIntBits(value + 0f);
    return bits ^ ((bits >> 31) & 0x7fffffff);
  }

  /// Brings the `count` smallest of distinct `keys` to the front: quickselect.
  private static void select(long[] keys, int count) {
    int low = 0;
    int high = keys.length - 1;
    while (low < high) {
      long pivot = keys[(low + high) >>> 1];
      int i = low;
      int j = high;
      while (i <= j) {
        while (keys[i] < pivot) {
          i++;
        }
        while (keys[j] > pivot) {
          j--;
        }
        if (i <= j) {
          long swapped = keys[i];
          keys[i++] = keys[j];
          keys[j--] = swapped;
        }
      }
      if (count - 1 <= j) {
        high = j;
      } else if (count - 1 >= i) {
        low = i;
      } else {
        return;
      }
    }
  }
}
