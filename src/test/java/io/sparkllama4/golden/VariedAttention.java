package io.sparkllama4.golden;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.BlockTables;
import io.sparkllama4.backend.KvLayer;
import io.sparkllama4.backend.StepTokens;
import io.sparkllama4.backend.cpu.ScalarKernels;
import io.sparkllama4.tensor.Tensor;

/// Attention whose rules can be replaced one by one. As it stands it is right.
class VariedAttention extends ScalarKernels {
  /// The first position that the query at `position` sees.
  int firstVisible(int position, AttentionSpec spec) {
    return spec.firstVisible(position);
  }

  /// The last position that the query at `position` sees, of a sequence that ends with `end`.
  int lastVisible(int position, int end) {
    return position;
  }

  /// What the product of a query and a key is multiplied with.
  double scale(AttentionSpec spec) {
    return 1 / Math.sqrt(spec.headDim());
  }

  /// Where the keys of positions `first` to `last` lie.
  int[] slots(int first, int last, int sequence, BlockTables tables) {
    return visibleSlots(first, last, sequence, tables);
  }

  @Override
  public void attend(
      Tensor queries,
      StepTokens tokens,
      BlockTables tables,
      KvLayer cache,
      AttentionSpec spec,
      Tensor output) {
    for (int s = 0; s < tokens.sequences(); s++) {
      int next = tokens.queryStarts().intAt(s + 1);
      int end = tokens.positions().intAt(next - 1);
      for (int t = tokens.queryStarts().intAt(s); t < next; t++) {
        int position = tokens.positions().intAt(t);
        int first = firstVisible(position, spec);
        int[] slots = slots(first, lastVisible(position, end), s, tables);
        for (int head = 0; head < spec.heads(); head++) {
          attendOne(queries.row(t), head, slots, cache, spec, output.row(t));
        }
      }
    }
  }

  private void attendOne(
      Tensor query, int head, int[] slots, KvLayer cache, AttentionSpec spec, Tensor output) {
    int dim = spec.headDim();
    long q = (long) head * dim;
    long kv = (long) keyHead(head, spec) * dim;
    double[] sums = new double[dim];
    double total = 0;
    for (int slot : slots) {
      Tensor key = cache.keys(slot).row(cache.indexInSlab(slot));
      Tensor value = cache.values(slot).row(cache.indexInSlab(slot));
      double score = 0;
      for (int d = 0; d < dim; d++) {
        score += query.at(q + d) * key.at(kv + d);
      }
      // In double precision no oracle's scores come near an overflow, so that no maximum is needed.
      double weight = Math.exp(score * scale(spec));
      total += weight;
      for (int d = 0; d < dim; d++) {
        sums[d] += weight * value.at(kv + d);
      }
    }
    for (int d = 0; d < dim; d++) {
      output.set(q + d, (float) (sums[d] / total));
    }
  }
}
