package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.BlockTables;
import io.sparkllama4.backend.KvLayer;
import io.sparkllama4.backend.StepTokens;
import io.sparkllama4.tensor.Tensor;

/// Attention of a step on several threads.
interface PanelAttention extends AutoCloseable {
  /// As [io.sparkllama4.backend.Kernels#attend].
  void attend(
      Tensor queries,
      StepTokens tokens,
      BlockTables tables,
      KvLayer cache,
      AttentionSpec spec,
      Tensor output);

  @Override
  void close();
}
