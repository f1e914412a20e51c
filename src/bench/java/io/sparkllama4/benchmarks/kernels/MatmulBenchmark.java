package io.sparkllama4.benchmarks.kernels;

import io.sparkllama4.backend.Placement;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
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

/// `output = input Wt`: one matrix after the other, so many that no cache holds them all, as a step
/// of a model reads them.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class MatmulBenchmark {
  /// More than any last-level cache that a few cores share.
  private static final long BYTES = 256L << 20;

  /// How the weights are stored.
  @Param public StoredForm form = StoredForm.BF16;

  /// Rows of the input.
  @Param({"1", "2", "4", "8", "16", "32", "64", "128", "256", "512"})
  public int tokens;

  /// Outputs and inputs: gate and up of model S, and its output projection.
  @Param({"4096x1024", "1024x2048"})
  public String shape = "";

  private final List<Linear> weights = new ArrayList<>();
  private Tensor input = Linear.NO_BIAS;
  private Tensor output = Linear.NO_BIAS;
  private int next;

  /// What a call amounts to.
  @State(Scope.Thread)
  @AuxCounters(AuxCounters.Type.OPERATIONS)
  public static class Work {
    /// Floating-point operations, in thousands of millions.
    public double gflop;

    /// Bytes of weights read, in thousands of millions.
    public double gigabytes;
  }

  /// Makes the matrices.
  @Setup
  public void make(KernelState state) {
    String[] sizes = shape.split("x", 2);
    long rows = Long.parseLong(sizes[0]);
    long columns = Long.parseLong(sizes[1]);
    weights.clear();
    long bytes = 0;
    while (bytes < BYTES) {
      Linear made = form.make(rows, columns, state.memory(), state.random());
      weights.add(
          state.backend().place(made, Placement.replicated(), 1, form.inMemory(), state.memory()));
      bytes += made.bytes();
    }
    input = state.activations(tokens, columns);
    output = state.room(tokens, rows);
  }

  /// One matrix.
  @Benchmark
  public Tensor matmul(KernelState state, Work work) {
    Linear weight = weights.get(next);
    next = (next + 1) % weights.size();
    state.step(kernels -> kernels.matmul(input, weight, output));
    work.gflop += 2e-9 * tokens * weight.inputs() * weight.outputs();
    work.gigabytes += 1e-9 * weight.bytes();
    return output;
  }
}
