package io.sparkllama4.golden;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.BlockTables;
import io.sparkllama4.backend.Probe;
import io.sparkllama4.backend.StepBuffers;
import io.sparkllama4.backend.StepTokens;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.model.Decoder;
import io.sparkllama4.model.DecoderSpec;
import io.sparkllama4.model.DecoderWeights;
import io.sparkllama4.model.KvCache;
import io.sparkllama4.model.KvGroup;
import io.sparkllama4.model.RankShare;
import io.sparkllama4.model.StepInput;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;

/// Runs one prompt through a decoder in a single step, without an engine.
final class Forward {
  private static final int BLOCK = 4;

  private Forward() {}

  /// The logits behind every token of `ids`, `[T][V]`; `probe` sees the intermediates.
  static float[][] logits(
      DecoderSpec spec, DecoderWeights weights, Backend backend, List<Integer> ids, Probe probe) {
    return logits(spec, weights, backend, ids, ids.size(), probe);
  }

  /// The logits behind the last `wanted` tokens of `ids`, `[wanted][V]`.
  ///
  /// @param probes sees the intermediates of a rank, as that rank has them
  static float[][] logits(
      DecoderSpec spec,
      DecoderWeights weights,
      Backend backend,
      List<Integer> ids,
      int wanted,
      IntFunction<Probe> probes) {
    List<Rank> ranks = new ArrayList<>();
    try {
      for (RankShare share : RankShare.of(spec, backend.ranks().size())) {
        Backend own = backend.ranks().get(share.rank());
        ranks.add(new Rank(share, weights, own, ids, probes.apply(share.rank())));
      }
      backend.step(rank -> ranks.get(rank).run(wanted));
      return ranks.getFirst().logits;
    } finally {
      ranks.forEach(Rank::close);
    }
  }

  /// The logits behind the last `wanted` tokens of `ids`, `[wanted][V]`.
  static float[][] logits(
      DecoderSpec spec,
      DecoderWeights weights,
      Backend backend,
      List<Integer> ids,
      int wanted,
      Probe probe) {
    List<RankShare> shares = RankShare.of(spec, backend.ranks().size());
    if (shares.size() == 1) {
      return logits(spec, weights, backend, ids, wanted, _ -> probe);
    }
    RankProbes probes = new RankProbes(shares);
    float[][] logits = logits(spec, weights, backend, ids, wanted, probes::of);
    probes.show(probe);
    return logits;
  }

  /// A rank with its part of the decoder.
  private static final class Rank implements AutoCloseable {
    private final RankShare share;
    private final Backend backend;
    private final int count;
    private final Probe probe;
    private final Allocator memory;
    private final KvCache cache;
    private final StepBuffers buffers;
    private final Decoder decoder;
    private final StepInput all;
    private float[][] logits = new float[0][];

    Rank(RankShare share, DecoderWeights weights, Backend backend, List<Integer> ids, Probe probe) {
      this.share = share;
      this.backend = backend;
      this.count = ids.size();
      this.probe = probe.equals(Probe.NONE) ? probe : probe.through(backend::readable);
      DecoderSpec spec = share.spec();
      memory = backend.allocator();
      int blocks = (count + BLOCK - 1) / BLOCK;
      cache = new KvCache(spec, eachGroup(BLOCK), eachGroup(blocks), backend);
      buffers = new StepBuffers(backend, share.bufferSizes(), count, count);
      cache.reserve(KvGroup.GLOBAL, blocks);
      cache.reserve(KvGroup.CHUNKED, blocks);
      int[] sequence = ids.stream().mapToInt(i -> i).toArray();
      int[] counting = java.util.stream.IntStream.range(0, count).toArray();
      Tensor positions = ints(backend, memory, counting);
      StepTokens tokens =
          new StepTokens(
              ints(backend, memory, sequence),
              positions,
              ints(backend, memory, 0, count),
              count,
              count);
      // Blocks in reverse, so that a kernel which ignores the table is found out.
      int[] table = java.util.stream.IntStream.range(0, blocks).map(b -> blocks - 1 - b).toArray();
      int[] slots = new int[count];
      for (int i = 0; i < count; i++) {
        slots[i] = table[i / BLOCK] * BLOCK + i % BLOCK;
      }
      BlockTables tables =
          new BlockTables(
              BLOCK,
              ints(backend, memory, slots),
              ints(backend, memory, 0, blocks),
              ints(backend, memory, 0),
              ints(backend, memory, table));
      DecoderWeights placed = weights.placed(share, backend, WeightForm.STORED, memory);
      decoder = new Decoder(share, placed, backend.kernels());
      all = new StepInput(tokens, tables, tables);
    }

    void run(int wanted) {
      decoder.forward(
          wanted == count ? all : last(wanted, all, backend, memory), cache, buffers, probe);
      if (wanted == 0) {
        return;
      }
      int[] outputs = java.util.stream.IntStream.range(0, wanted).toArray();
      Tensor made = decoder.head(wanted, ints(backend, memory, outputs), buffers);
      if (share.rank() > 0) {
        return;
      }
      Tensor readable = backend.readable(made);
      probe.see("logits", made);
      int vocabulary = share.whole().vocabulary();
      logits = new float[wanted][vocabulary];
      for (int t = 0; t < wanted; t++) {
        for (int v = 0; v < vocabulary; v++) {
          logits[t][v] = readable.at((long) t * vocabulary + v);
        }
      }
    }

    @Override
    public void close() {
      buffers.close();
      cache.close();
      memory.close();
    }
  }

  private static StepInput last(int wanted, StepInput all, Backend backend, Allocator memory) {
    int count = all.tokens().count();
    int[] rows = java.util.stream.IntStream.range(count - wanted, count).toArray();
    Tensor known = backend.readable(all.tokens().ids());
    int[] ids = java.util.stream.IntStream.of(rows).map(known::intAt).toArray();
    StepTokens tokens =
        new StepTokens(
            ints(backend, memory, ids),
            ints(backend, memory, rows),
            ints(backend, memory, 0, wanted),
            count,
            wanted);
    return new StepInput(
        all.tokens(),
        all.global(),
        all.chunked(),
        Optional.of(new StepInput.Wanted(ints(backend, memory, rows), tokens)));
  }

  private static Map<KvGroup, Integer> eachGroup(int value) {
    return Map.of(KvGroup.GLOBAL, value, KvGroup.CHUNKED, value);
  }

  private static Tensor ints(Backend backend, Allocator memory, int... values) {
    Tensor tensor = memory.allocate(DType.I32, values.length);
    backend.write(values, values.length, tensor);
    return tensor;
  }
}
