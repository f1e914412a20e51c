package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// Cosines and sines of a step's positions. Every layer of a step rotates by the same angles; to
/// take them anew for each costs more than the rotation. Filled by one thread, then read by all.
final class RotaryTable {
  private int[] positions = {};
  private float[] frequencies = {};

  /// `[T, pairs, 2]`: cosine and sine.
  private float[] turns = {};

  /// Takes the angles `positions[t] * inverseFrequencies[j]`, where these are not those of before.
  ///
  /// @param stepPositions I32 `[T]`
  /// @param inverseFrequencies F32 `[pairs]`
  void prepare(Tensor stepPositions, Tensor inverseFrequencies) {
    int[] wanted = new int[stepPositions.rows()];
    Arrays.setAll(wanted, stepPositions::intAt);
    float[] rates = new float[inverseFrequencies.rows()];
    for (int j = 0; j < rates.length; j++) {
      rates[j] = inverseFrequencies.at(j);
    }
    if (Arrays.equals(wanted, positions) && Arrays.equals(rates, frequencies)) {
      return;
    }
    if (turns.length < 2 * wanted.length * rates.length) {
      turns = new float[2 * wanted.length * rates.length];
    }
    int at = 0;
    for (int position : wanted) {
      for (float rate : rates) {
        float angle = position * rate;
        turns[at++] = (float) Math.cos(angle);
        turns[at++] = (float) Math.sin(angle);
      }
    }
    positions = wanted;
    frequencies = rates;
  }

  /// Rotates the pairs of all heads of tokens `first` up to `end` in place.
  ///
  /// @param heads F32 `[T, heads, 2 pairs]`
  void rotate(Tensor heads, int first, int end) {
    MemorySegment data = heads.data();
    int width = Math.toIntExact(heads.rowElements());
    int dim = 2 * frequencies.length;
    for (int t = first; t < end; t++) {
      int turn = t * dim;
      for (long head = (long) t * width; head < (t + 1L) * width; head += dim) {
        for (int j = 0; j < dim; j += 2) {
          float cos = turns[turn + j];
          float sin = turns[turn + j + 1];
          long at = 4 * (head + j);
          float a = data.get(Elements.FLOAT, at);
          float b = data.get(Elements.FLOAT, at + 4);
          data.set(Elements.FLOAT, at, a * cos - b * sin);
          data.set(Elements.FLOAT, at + 4, a * sin + b * cos);
        }
      }
    }
  }
}
