package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;

/// Cosines and sines of a step's positions. Every layer of a step rotates by the same angles; to
/// take them anew for each costs more than the rotation. Filled by one thread, then read by all.
final class RotaryTable {
  private static final VectorShuffle<Float> SWAPPED =
      VectorShuffle.fromOp(Lanes.FLOATS, lane -> lane ^ 1);

  private int[] positions = {};
  private float[] frequencies = {};

  /// `[T, pairs, 2]`: the cosine, twice.
  private float[] cosines = {};

  /// `[T, pairs, 2]`: the sine, first negative.
  private float[] sines = {};

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
    if (sines.length < 2 * wanted.length * rates.length) {
      cosines = new float[2 * wanted.length * rates.length];
      sines = new float[2 * wanted.length * rates.length];
    }
    int at = 0;
    for (int position : wanted) {
      for (float rate : rates) {
        float angle = position * rate;
        float cosine = (float) Math.cos(angle);
        float sine = (float) Math.sin(angle);
        cosines[at] = cosine;
        sines[at++] = -sine;
        cosines[at] = cosine;
        sines[at++] = sine;
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
    int whole = dim - dim % Lanes.COUNT;
    for (int t = first; t < end; t++) {
      int turn = t * dim;
      for (long head = (long) t * width; head < (t + 1L) * width; head += dim) {
        for (int j = 0; j < whole; j += Lanes.COUNT) {
          FloatVector cosine = FloatVector.fromArray(Lanes.FLOATS, cosines, turn + j);
          FloatVector sine = FloatVector.fromArray(Lanes.FLOATS, sines, turn + j);
          FloatVector x = Lanes.floats(data, 4 * (head + j));
          FloatVector turned = x.mul(cosine).add(x.rearrange(SWAPPED).mul(sine));
          Lanes.store(turned, data, 4 * (head + j));
        }
        for (int j = whole; j < dim; j += 2) {
          float cos = cosines[turn + j];
          float sin = sines[turn + j + 1];
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
