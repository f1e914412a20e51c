package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.KvLayer;
import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// Rows of floats on their way to the experts, back, and into the cache, with the bits of the plain
/// loops. A small model spends as much on these as on its products.
final class RowMath {
  private RowMath() {}

  /// Rows `first` up to `end` of those of the experts that are held: the tokens' rows of `input`
  /// times their scores.
  static void gather(Tensor input, CpuRouting routing, Tensor output, int first, int end) {
    MemorySegment from = input.data();
    MemorySegment to = output.data();
    long width = input.rowElements();
    long whole = width - width % Lanes.COUNT;
    for (int row = first; row < end; row++) {
      long source = 4 * width * routing.tokenOfRow(row);
      long target = 4 * width * row;
      float score = routing.scoreOfRow(row);
      for (long i = 0; i < 4 * whole; i += 4L * Lanes.COUNT) {
        Lanes.store(Lanes.floats(from, source + i).mul(score), to, target + i);
      }
      for (long i = 4 * whole; i < 4 * width; i += 4) {
        to.set(Elements.FLOAT, target + i, from.get(Elements.FLOAT, source + i) * score);
      }
    }
  }

  /// Tokens `first` up to `end` of `output`: the sums of their rows of `input`, best expert first,
  /// as far as this rank holds their experts.
  static void scatter(Tensor input, CpuRouting routing, Tensor output, int first, int end) {
    MemorySegment from = input.data();
    MemorySegment to = output.data();
    long width = input.rowElements();
    long whole = width - width % Lanes.COUNT;
    for (int token = first; token < end; token++) {
      long target = 4 * width * token;
      for (long i = 0; i < 4 * whole; i += 4L * Lanes.COUNT) {
        FloatVector sum = FloatVector.zero(Lanes.FLOATS);
        for (int rank = 0; rank < routing.chosen(); rank++) {
          int row = routing.rowOf(token, rank);
          if (row >= 0) {
            sum = sum.add(Lanes.floats(from, 4 * width * row + i));
          }
        }
        Lanes.store(sum, to, target + i);
      }
      for (long i = 4 * whole; i < 4 * width; i += 4) {
        float sum = 0;
        for (int rank = 0; rank < routing.chosen(); rank++) {
          int row = routing.rowOf(token, rank);
          if (row >= 0) {
            sum += from.get(Elements.FLOAT, 4 * width * row + i);
          }
        }
        to.set(Elements.FLOAT, target + i, sum);
      }
    }
  }

  /// Copies the keys and values of tokens `first` up to `end` into their slots of the cache.
  static void store(Tensor keys, Tensor values, Tensor slots, KvLayer cache, int first, int end) {
    long bytes = 4 * keys.rowElements();
    for (int t = first; t < end; t++) {
      int slot = slots.intAt(t);
      long at = bytes * cache.indexInSlab(slot);
      MemorySegment.copy(keys.data(), bytes * t, cache.keys(slot).data(), at, bytes);
      MemorySegment.copy(values.data(), bytes * t, cache.values(slot).data(), at, bytes);
    }
  }
}
