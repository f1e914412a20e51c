package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.BlockTables;
import io.sparkllama4.backend.KvLayer;
import io.sparkllama4.backend.StepTokens;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// Attention token by token on the Java Vector API: for any shape of heads.
final class TokenAttention implements PanelAttention {
  private final CpuPool pool;
  private final List<VectorAttention> attentions = new ArrayList<>();

  TokenAttention(CpuPool pool) {
    this.pool = pool;
    for (int worker = 0; worker < pool.threads(); worker++) {
      attentions.add(new VectorAttention());
    }
  }

  @Override
  public void attend(
      Tensor queries,
      StepTokens tokens,
      BlockTables tables,
      KvLayer cache,
      AttentionSpec spec,
      Tensor output) {
    int[] sequenceOf = new int[tokens.count()];
    for (int s = 0; s < tokens.sequences(); s++) {
      for (int t = tokens.queryStarts().intAt(s); t < tokens.queryStarts().intAt(s + 1); t++) {
        sequenceOf[t] = s;
      }
    }
    pool.run(
        tokens.count() * spec.kvHeads(),
        (task, worker) -> {
          int t = task / spec.kvHeads();
          var token = new VectorAttention.Token(t, tokens.positions().intAt(t), sequenceOf[t]);
          attentions
              .get(worker)
              .run(queries, output, token, task % spec.kvHeads(), tables, cache, spec);
        });
  }

  @Override
  public void close() {
    // Holds arrays alone.
  }
}
