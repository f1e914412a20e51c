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
import io.sparkllama4.model.StepInput;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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
  static float[][] logits(
      DecoderSpec spec,
      DecoderWeights weights,
      Backend backend,
      List<Integer> ids,
      int wanted,
      Probe probe) {
    int count = ids.size();
    try (Allocator memory = backend.allocator();
        KvCache cache =
            new KvCache(spec, Map.of(KvGroup.GLOBAL, BLOCK, KvGroup.CHUNKED, BLOCK), backend);
        StepBuffers buffers = new StepBuffers(backend, spec.bufferSizes(), count, count)) {
      int blocks = (count + BLOCK - 1) / BLOCK;
      cache.reserve(KvGroup.GLOBAL, blocks);
      cache.reserve(KvGroup.CHUNKED, blocks);
      int[] sequence = ids.stream().mapToInt(i -> i).toArray();
      int[] counting = java.util.stream.IntStream.range(0, count).toArray();
      Tensor positions = ints(memory, counting);
      StepTokens tokens = new StepTokens(ints(memory, sequence), positions, ints(memory, 0, count));
      // Blocks in reverse, so that a kernel which ignores the table is found out.
      int[] table = java.util.stream.IntStream.range(0, blocks).map(b -> blocks - 1 - b).toArray();
      int[] slots = new int[count];
      for (int i = 0; i < count; i++) {
        slots[i] = table[i / BLOCK] * BLOCK + i % BLOCK;
      }
      BlockTables tables =
          new BlockTables(
              BLOCK,
              ints(memory, slots),
              ints(memory, 0, blocks),
              ints(memory, 0),
              ints(memory, table));
      DecoderWeights placed = weights.placed(backend, WeightForm.STORED, memory);
      Decoder decoder = new Decoder(spec, placed, backend.kernels());
      StepInput all = new StepInput(tokens, tables, tables);
      decoder.forward(wanted == count ? all : last(wanted, all, memory), cache, buffers, probe);
      if (wanted == 0) {
        return new float[0][];
      }
      int[] outputs = java.util.stream.IntStream.range(0, wanted).toArray();
      Tensor logits = decoder.head(wanted, ints(memory, outputs), buffers);
      probe.see("logits", logits);
      float[][] copy = new float[wanted][spec.vocabulary()];
      for (int t = 0; t < wanted; t++) {
        for (int v = 0; v < spec.vocabulary(); v++) {
          copy[t][v] = logits.at((long) t * spec.vocabulary() + v);
        }
      }
      return copy;
    }
  }

  private static StepInput last(int wanted, StepInput all, Allocator memory) {
    int count = all.tokens().count();
    int[] rows = java.util.stream.IntStream.range(count - wanted, count).toArray();
    int[] ids = java.util.stream.IntStream.of(rows).map(all.tokens().ids()::intAt).toArray();
    StepTokens tokens =
        new StepTokens(ints(memory, ids), ints(memory, rows), ints(memory, 0, wanted));
    return new StepInput(
        all.tokens(),
        all.global(),
        all.chunked(),
        Optional.of(new StepInput.Wanted(ints(memory, rows), tokens)));
  }

  private static Tensor ints(Allocator memory, int... values) {
    Tensor tensor = memory.allocate(DType.I32, values.length);
    for (int i = 0; i < values.length; i++) {
      tensor.set(i, values[i]);
    }
    return tensor;
  }
}
