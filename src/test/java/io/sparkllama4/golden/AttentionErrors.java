package io.sparkllama4.golden;

import io.sparkllama4.backend.AttentionLayer;
import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.AttentionStep;
import io.sparkllama4.backend.BlockTables;
import io.sparkllama4.backend.KvLayer;
import io.sparkllama4.backend.cpu.ScalarKernels;
import io.sparkllama4.tensor.Tensor;
import java.util.List;
import java.util.stream.IntStream;

/// Errors in who sees whom, and in what becomes of it.
final class AttentionErrors {
  static final List<PlantedError> ALL =
      List.of(
          PlantedError.ofKernels(
              "sliding window for chunk",
              "a query sees the last `attention_chunk_size` positions",
              "chunked",
              "len9.top_logprobs",
              100000,
              SlidingWindow::new),
          PlantedError.ofKernels(
              "chunk index off by one",
              "the first position of a chunk still belongs to the chunk before it",
              "chunked",
              "len9.top_logprobs",
              90000,
              LateChunk::new),
          PlantedError.ofKernels(
              "chunks in every layer",
              "layers without rope see their own chunk only",
              "chunked",
              "len9.top_logprobs",
              10000,
              ChunksEverywhere::new),
          PlantedError.ofKernels(
              "chunks left out",
              "every layer sees all earlier positions",
              "chunked",
              "len9.top_logprobs",
              90000,
              NoChunks::new),
          PlantedError.ofKernels(
              "wrong GQA grouping",
              "query head h reads key head h modulo K in place of h / (Q / K)",
              "top2-gqa5",
              "layers.0.attn",
              9000,
              InterleavedHeads::new),
          PlantedError.ofKernels(
              "scores not divided",
              "the product of query and key is not divided by the root of the head size",
              "dense",
              "layers.0.attn",
              4000,
              UnscaledScores::new),
          PlantedError.ofKernels(
              "later positions seen",
              "a query sees its whole sequence",
              "dense",
              "layers.0.attn",
              9000,
              NotCausal::new),
          PlantedError.ofKernels(
              "own position not seen",
              "a query sees what lies strictly before it",
              "dense",
              "layers.0.attn",
              6000,
              StrictlyCausal::new),
          PlantedError.ofKernels(
              "block table left out",
              "position p is read from slot p",
              "dense",
              "layers.0.attn",
              10000,
              WithoutBlockTable::new),
          PlantedError.ofKernels(
              "values for keys",
              "keys and values change places in the cache",
              "dense",
              "layers.0.attn",
              10000,
              ValuesForKeys::new),
          PlantedError.ofKernels(
              "attention without residual",
              "the stream holds what attention gives, without what it got",
              "dense",
              "layers.0.ffn_norm",
              10000,
              WithoutResidual::new));

  private AttentionErrors() {}

  private static final class SlidingWindow extends VariedAttention {
    @Override
    int firstVisible(int position, AttentionSpec spec) {
      return spec.isChunked() ? Math.max(0, position - spec.chunk() + 1) : 0;
    }
  }

  private static final class LateChunk extends VariedAttention {
    @Override
    int firstVisible(int position, AttentionSpec spec) {
      return spec.firstVisible(Math.max(0, position - 1));
    }
  }

  private static final class ChunksEverywhere extends VariedAttention {
    private int chunk;

    @Override
    int firstVisible(int position, AttentionSpec spec) {
      // The first layer of this oracle has chunks, so that later ones find their size here.
      chunk = Math.max(chunk, spec.chunk());
      return position - position % chunk;
    }
  }

  private static final class NoChunks extends VariedAttention {
    @Override
    int firstVisible(int position, AttentionSpec spec) {
      return 0;
    }
  }

  private static final class InterleavedHeads extends ScalarKernels {
    @Override
    protected int keyHead(int head, AttentionSpec spec) {
      return head % spec.kvHeads();
    }
  }

  private static final class UnscaledScores extends VariedAttention {
    @Override
    double scale(AttentionSpec spec) {
      return 1;
    }
  }

  private static final class NotCausal extends VariedAttention {
    @Override
    int lastVisible(int position, int end) {
      return end;
    }
  }

  private static final class StrictlyCausal extends VariedAttention {
    @Override
    int lastVisible(int position, int end) {
      // The first position has nothing before it; it may keep itself.
      return Math.max(0, position - 1);
    }
  }

  private static final class WithoutBlockTable extends VariedAttention {
    @Override
    int[] slots(int first, int last, int sequence, BlockTables tables) {
      return IntStream.rangeClosed(first, last).toArray();
    }
  }

  private static final class ValuesForKeys extends ScalarKernels {
    @Override
    public void storeKv(Tensor keys, Tensor values, Tensor slots, KvLayer cache) {
      super.storeKv(values, keys, slots, cache);
    }
  }

  private static final class WithoutResidual extends ScalarKernels {
    @Override
    public void attention(Tensor hidden, AttentionLayer layer, AttentionStep step) {
      hidden.data().fill((byte) 0);
      super.attention(hidden, layer, step);
    }
  }
}
