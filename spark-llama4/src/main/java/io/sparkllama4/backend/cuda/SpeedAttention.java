package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.BlockTables;
import io.sparkllama4.backend.KvLayer;
import io.sparkllama4.backend.StepTokens;
import io.sparkllama4.backend.Temperature;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Tensor;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// Attention that is measured: sequences of equal contexts in blocks that lie in any order.
final class SpeedAttention implements AutoCloseable {
  private static final int HEAD_DIM = 128;
  private static final int BLOCK_TOKENS = 16;

  /// As each byte of a brain float or a float, 0.75.
  private static final byte SOMETHING = 0x3f;

  private final CudaBackend backend;
  private final AttentionSpec spec;
  private final int context;
  private final int sequences;
  private final int tokens;
  private final Allocator memory;
  private final KvLayer cache;
  private final BlockTables tables;
  private final StepTokens step;
  private final Tensor queries;
  private final Tensor output;

  /// @param tokens of each sequence, the last of its context
  SpeedAttention(CudaBackend backend, SpeedChecks.Sizes sizes, int sequences, int tokens) {
    this.backend = backend;
    this.sequences = sequences;
    this.tokens = tokens;
    context = sizes.context();
    spec =
        new AttentionSpec(
            sizes.heads(), sizes.kvHeads(), HEAD_DIM, false, false, Temperature.NONE, 0);
    memory = backend.allocator();
    try {
      int each = Math.ceilDiv(context, BLOCK_TOKENS);
      int slots = sequences * each * BLOCK_TOKENS;
      cache = new KvLayer(slots);
      long[] shape = {slots, spec.kvHeads(), HEAD_DIM};
      cache.append(memory.allocate(DType.BF16, shape), memory.allocate(DType.BF16, shape));
      tables =
          new BlockTables(
              BLOCK_TOKENS,
              ints(0),
              ints(IntStream.rangeClosed(0, sequences).map(s -> s * each).toArray()),
              ints(new int[sequences]),
              ints(shuffled(sequences * each)));
      int count = sequences * tokens;
      Tensor positions =
          ints(IntStream.range(0, count).map(t -> context - tokens + t % tokens).toArray());
      Tensor starts = ints(IntStream.rangeClosed(0, sequences).map(s -> s * tokens).toArray());
      step = new StepTokens(positions, positions, starts, context, tokens);
      queries = memory.allocate(DType.F32, count, spec.queryWidth());
      output = memory.allocate(DType.F32, count, spec.queryWidth());
      backend.stream()
          .device()
          .run(
              () -> {
                fill(cache.keys(0));
                fill(cache.values(0));
                fill(queries);
              });
    } catch (RuntimeException | Error e) {
      new Failures(e).attempt(memory::close);
      throw e;
    }
  }

  /// Some number that is not zero.
  private void fill(Tensor tensor) {
    long bytes = tensor.data().byteSize();
    backend.stream().fill(tensor.data().address(), SOMETHING, bytes);
  }

  private static int[] shuffled(int count) {
    List<Integer> all = IntStream.range(0, count).boxed().collect(Collectors.toList());
    Collections.shuffle(all, new Random(7));
    return all.stream().mapToInt(i -> i).toArray();
  }

  private Tensor ints(int... values) {
    Tensor tensor = memory.allocate(DType.I32, values.length);
    backend.write(Arrays.copyOf(values, values.length), values.length, tensor);
    return tensor;
  }

  /// What one launch does: keys and values are read at least once.
  SpeedChecks.Work work() {
    double keys = (double) Short.BYTES * sequences * context * spec.kvWidth();
    double activations = 2.0 * Float.BYTES * sequences * tokens * spec.queryWidth();
    double pairs = sequences * (tokens * (context - (tokens - 1) / 2.0));
    return new SpeedChecks.Work(2 * keys + activations, 4 * pairs * spec.queryWidth());
  }

  /// On the device's thread.
  void run() {
    backend.kernels().attend(queries, step, tables, cache, spec, output);
  }

  @Override
  public void close() {
    memory.close();
  }
}
