package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.BlockTables;
import io.sparkllama4.backend.KvLayer;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// Attention of one token over its paged keys and values, all query heads of one key head together.
/// One instance per thread: it owns that thread's scratch arrays.
///
/// The order of every sum is that of the positions; only lanes, which the head dimension decides,
/// are summed side by side.
final class VectorAttention {
  private float[] scores = new float[0];
  private float[] queries = new float[0];
  private float[] outputs = new float[0];
  private float[] partial = new float[0];

  /// Attends the queries of `token` that read key head `kvHead`; scores are scaled by 1/sqrt(D).
  ///
  /// @param query `[T, Q*D]`
  /// @param output `[T, Q*D]`
  void run(
      Tensor query,
      Tensor output,
      Token token,
      int kvHead,
      BlockTables tables,
      KvLayer cache,
      AttentionSpec spec) {
    int group = spec.heads() / spec.kvHeads();
    int dim = spec.headDim();
    int padded = Lanes.padded(dim);
    int first = spec.firstVisible(token.position());
    int count = token.position() - first + 1;
    scores = ensure(scores, group * count);
    queries = ensure(queries, group * padded);
    outputs = ensure(outputs, group * padded);
    partial = ensure(partial, Lanes.COUNT);
    long queryAt = token.index() * query.rowElements() + (long) kvHead * group * dim;
    float scale = (float) (1 / Math.sqrt(dim));
    for (int g = 0; g < group; g++) {
      for (int d = 0; d < padded; d++) {
        queries[g * padded + d] = d < dim ? query.at(queryAt + (long) g * dim + d) * scale : 0;
      }
    }
    forEachBlock(token, first, tables, cache, true, new Heads(kvHead, group, dim, padded, count));
    for (int g = 0; g < group; g++) {
      softmax(g * count, count);
    }
    java.util.Arrays.fill(outputs, 0, group * padded, 0);
    forEachBlock(token, first, tables, cache, false, new Heads(kvHead, group, dim, padded, count));
    for (int g = 0; g < group; g++) {
      for (int d = 0; d < dim; d++) {
        output.set(queryAt + (long) g * dim + d, outputs[g * padded + d]);
      }
    }
  }

  /// A token of the step.
  ///
  /// @param index in the step
  /// @param position in its sequence
  /// @param sequence in the block tables
  record Token(int index, int position, int sequence) {}

  /// The query heads that share a key head.
  private record Heads(int kvHead, int group, int dim, int padded, int count) {}

  /// Visits the visible positions block by block, for their keys or for their values.
  private void forEachBlock(
      Token token, int first, BlockTables tables, KvLayer cache, boolean keys, Heads heads) {
    int size = tables.blockTokens();
    int start =
        tables.starts().intAt(token.sequence()) - tables.firstBlocks().intAt(token.sequence());
    int position = first;
    while (position <= token.position()) {
      int end = Math.min(token.position() + 1, (position / size + 1) * size);
      int slot = tables.blocks().intAt(start + position / size) * size + position % size;
      Tensor slab = keys ? cache.keys(slot) : cache.values(slot);
      long rowBytes = 4 * slab.rowElements();
      long at = cache.indexInSlab(slot) * rowBytes + 4L * heads.kvHead() * heads.dim();
      for (int p = position; p < end; p++, at += rowBytes) {
        if (keys) {
          score(slab.data(), at, heads, p - first);
        } else {
          accumulate(slab.data(), at, heads, p - first);
        }
      }
      position = end;
    }
  }

  private void score(MemorySegment keys, long at, Heads heads, int index) {
    int whole = heads.dim() - heads.dim() % Lanes.COUNT;
    for (int g = 0; g < heads.group(); g++) {
      FloatVector sum = FloatVector.zero(Lanes.FLOATS);
      for (int d = 0; d < whole; d += Lanes.COUNT) {
        sum = query(g * heads.padded() + d).fma(Lanes.floats(keys, at + 4L * d), sum);
      }
      if (whole < heads.dim()) {
        FloatVector key = Lanes.floats(keys, at + 4L * whole, heads.dim() - whole);
        sum = query(g * heads.padded() + whole).fma(key, sum);
      }
      scores[g * heads.count() + index] = Lanes.sum(sum);
    }
  }

  private FloatVector query(int offset) {
    return FloatVector.fromArray(Lanes.FLOATS, queries, offset);
  }

  private void softmax(int offset, int count) {
    float best = scores[offset];
    for (int i = 1; i < count; i++) {
      best = Math.max(best, scores[offset + i]);
    }
    int whole = count - count % Lanes.COUNT;
    FloatVector sums = FloatVector.zero(Lanes.FLOATS);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      FloatVector weight =
          VectorMath.exp(FloatVector.fromArray(Lanes.FLOATS, scores, offset + i).sub(best));
      weight.intoArray(scores, offset + i);
      sums = sums.add(weight);
    }
    if (whole < count) {
      var mask = Lanes.mask(count - whole);
      FloatVector weight =
          VectorMath.exp(
              FloatVector.fromArray(Lanes.FLOATS, scores, offset + whole, mask).sub(best));
      weight.intoArray(scores, offset + whole, mask);
      sums = sums.add(weight.blend(0f, mask.not()));
    }
    float scale = 1 / Lanes.sum(sums);
    for (int i = 0; i < count; i++) {
      scores[offset + i] *= scale;
    }
  }

  private void accumulate(MemorySegment values, long at, Heads heads, int index) {
    int whole = heads.dim() - heads.dim() % Lanes.COUNT;
    for (int g = 0; g < heads.group(); g++) {
      FloatVector weight = FloatVector.broadcast(Lanes.FLOATS, scores[g * heads.count() + index]);
      int base = g * heads.padded();
      for (int d = 0; d < whole; d += Lanes.COUNT) {
        add(weight, Lanes.floats(values, at + 4L * d), base + d);
      }
      if (whole < heads.dim()) {
        add(weight, Lanes.floats(values, at + 4L * whole, heads.dim() - whole), base + whole);
      }
    }
  }

  private void add(FloatVector weight, FloatVector value, int offset) {
    weight
        .fma(value, FloatVector.fromArray(Lanes.FLOATS, outputs, offset))
        .intoArray(outputs, offset);
  }

  private static float[] ensure(float[] array, int length) {
    return array.length >= length ? array : new float[length];
  }
}
