package io.sparkllama4.benchmarks.kernels;

import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Tensor;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// The norms of a layer.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class NormBenchmark {
  private static final int HEAD_DIM = 64;

  /// Rows.
  @Param({"1", "64", "512"})
  public int tokens;

  /// Elements of a row.
  @Param({"1024", "5120"})
  public int hidden;

  private Tensor input = Linear.NO_BIAS;
  private Tensor weight = Linear.NO_BIAS;
  private Tensor output = Linear.NO_BIAS;

  /// Makes the input.
  @Setup
  public void make(KernelState state) {
    input = state.activations(tokens, hidden);
    weight = state.activations(hidden);
    output = state.room(tokens, hidden);
  }

  /// The norm in front of attention and of the feed-forward network.
  @Benchmark
  public Tensor rmsNorm(KernelState state) {
    state.step(kernels -> kernels.rmsNorm(input, weight, 1e-5f, output));
    return output;
  }

  /// The norm of queries and keys; normed again and again, they stay what they are.
  @Benchmark
  public Tensor normHeads(KernelState state) {
    state.step(kernels -> kernels.normHeads(input, HEAD_DIM, 1e-5f));
    return input;
  }
}
