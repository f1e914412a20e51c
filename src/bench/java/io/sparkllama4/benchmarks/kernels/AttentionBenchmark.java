package io.sparkllama4.benchmarks.kernels;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.BlockTables;
import io.sparkllama4.backend.StepTokens;
import io.sparkllama4.backend.Temperature;
import io.sparkllama4.model.DecoderSpec;
import io.sparkllama4.model.KvCache;
import io.sparkllama4.model.KvGroup;
import io.sparkllama4.model.LayerSpec;
import io.sparkllama4.model.Rotary;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// Causal attention over a paged cache at the widths of model S.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class AttentionBenchmark {
  private static final int BLOCK_TOKENS = 16;
  private static final AttentionSpec SPEC =
      new AttentionSpec(16, 4, 64, true, true, Temperature.NONE, 0);

  /// Sequences and query tokens of each: one query in many sequences, or a chunk of one prompt.
  @Param({"1x1", "64x1", "1x512"})
  public String step = "";

  /// Tokens of each sequence, its queries included.
  @Param({"512", "2048", "8192"})
  public int context;

  private List<KvCache> caches = List.of();
  private List<StepTokens> tokens = List.of();
  private List<BlockTables> tables = List.of();
  private Tensor queries = Linear.NO_BIAS;
  private Tensor output = Linear.NO_BIAS;

  /// Fills a cache and asks behind it.
  @Setup(Level.Trial)
  public void make(KernelState state) {
    String[] sizes = step.split("x", 2);
    int sequences = Integer.parseInt(sizes[0]);
    int count = Integer.parseInt(sizes[1]);
    int blocks = context / BLOCK_TOKENS;
    int most = sequences * blocks;
    KvCache cache =
        new KvCache(
            model(),
            Map.of(KvGroup.GLOBAL, BLOCK_TOKENS),
            Map.of(KvGroup.GLOBAL, most),
            state.backend());
    cache.reserve(KvGroup.GLOBAL, most);
    int all = sequences * context;
    Tensor slots = state.integers(IntStream.range(0, all).toArray());
    Tensor keys = state.activations(all, SPEC.kvWidth());
    Tensor values = state.activations(all, SPEC.kvWidth());
    state.step(kernels -> kernels.storeKv(keys, values, slots, cache.layer(0)));
    int total = sequences * count;
    int[] asked =
        IntStream.range(0, total)
            .map(t -> t / count * context + context - count + t % count)
            .toArray();
    tokens =
        List.of(
            new StepTokens(
                state.integers(new int[total]),
                state.integers(IntStream.of(asked).map(slot -> slot % context).toArray()),
                state.integers(IntStream.rangeClosed(0, sequences).map(s -> s * count).toArray()),
                context,
                count));
    tables =
        List.of(
            new BlockTables(
                BLOCK_TOKENS,
                state.integers(asked),
                state.integers(IntStream.rangeClosed(0, sequences).map(s -> s * blocks).toArray()),
                state.integers(new int[sequences]),
                state.integers(IntStream.range(0, sequences * blocks).toArray())));
    queries = state.activations(total, SPEC.queryWidth());
    output = state.room(total, SPEC.queryWidth());
    caches = List.of(cache);
  }

  /// A model of one layer with this attention.
  private static DecoderSpec model() {
    LayerSpec layer = new LayerSpec(SPEC, false, new LayerSpec.Dense(1));
    Rotary rotary = new Rotary(10_000, new Rotary.Unscaled());
    return new DecoderSpec(
        "llama4", 1, SPEC.queryWidth(), 1e-5f, 8192, false, rotary, List.of(layer));
  }

  /// Gives the cache back.
  @TearDown(Level.Trial)
  public void close() {
    caches.forEach(KvCache::close);
  }

  /// All queries.
  @Benchmark
  public Tensor attend(KernelState state) {
    state.step(
        kernels ->
            kernels.attend(
                queries,
                tokens.getFirst(),
                tables.getFirst(),
                caches.getFirst().layer(0),
                SPEC,
                output));
    return output;
  }
}
