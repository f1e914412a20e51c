package io.sparkllama4.benchmarks.kernels;

import io.sparkllama4.backend.GatedMlp;
import io.sparkllama4.backend.MixtureLayer;
import io.sparkllama4.backend.Placement;
import io.sparkllama4.backend.Probe;
import io.sparkllama4.backend.StepBuffers;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
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

/// A whole mixture of experts at the widths of model S: norm, router, 16 experts of which each
/// token takes one, and the shared one.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class MixtureBenchmark {
  private static final int HIDDEN = 1024;
  private static final int WIDTH = 2048;
  private static final int EXPERTS = 16;

  /// How the experts are stored.
  @Param({"BF16_INPUT_MAJOR", "FP8", "INT4"})
  public StoredForm form = StoredForm.BF16;

  /// Tokens of the step.
  @Param({"1", "8", "64", "512"})
  public int tokens;

  private Tensor hidden = Linear.NO_BIAS;
  private List<MixtureLayer> layers = List.of();
  private List<StepBuffers> buffers = List.of();

  /// Makes a layer.
  @Setup(Level.Trial)
  public void make(KernelState state) {
    List<Linear> gateUp = new ArrayList<>();
    List<Linear> down = new ArrayList<>();
    for (int e = 0; e <= EXPERTS; e++) {
      gateUp.add(weight(2L * WIDTH, HIDDEN, 2, state));
      down.add(weight(HIDDEN, WIDTH, 1, state));
    }
    MixtureLayer layer =
        new MixtureLayer(
            state.activations(HIDDEN),
            1e-5f,
            state
                .backend()
                .place(
                    StoredForm.F32.make(EXPERTS, HIDDEN, state.memory(), state.random()),
                    Placement.replicated(),
                    1,
                    WeightForm.STORED,
                    state.memory()),
            1,
            gateUp.subList(0, EXPERTS),
            down.subList(0, EXPERTS),
            List.of(new GatedMlp(gateUp.getLast(), down.getLast())));
    layers = List.of(layer);
    hidden = state.activations(tokens, HIDDEN);
    buffers =
        List.of(
            new StepBuffers(
                state.backend(),
                new StepBuffers.Sizes(HIDDEN, 1, 1, WIDTH, EXPERTS, 1, WIDTH, 1, 0),
                tokens,
                1));
  }

  private Linear weight(long rows, long columns, int parts, KernelState state) {
    return state
        .backend()
        .place(
            form.make(rows, columns, state.memory(), state.random()),
            Placement.replicated(),
            parts,
            form.inMemory(),
            state.memory());
  }

  /// Gives the buffers back.
  @TearDown(Level.Trial)
  public void close() {
    buffers.forEach(StepBuffers::close);
  }

  /// The layer; its output is added to the same tokens again and again.
  @Benchmark
  public Tensor mixture(KernelState state) {
    state.step(
        kernels -> kernels.mixture(hidden, layers.getFirst(), buffers.getFirst(), Probe.NONE));
    return hidden;
  }
}
