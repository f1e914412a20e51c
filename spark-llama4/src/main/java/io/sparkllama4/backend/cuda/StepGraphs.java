package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.StepShape;
import java.util.HashMap;
import java.util.Map;

/// Steps that have been recorded, by shape. A shape runs plainly the first time, when kernels are
/// loaded and memory is taken; the second time it is recorded. Used on the device's thread.
final class StepGraphs implements AutoCloseable {
  /// Graphs that are kept: more shapes than a job's batches have for long.
  private static final int MOST = 64;

  private final CudaStream stream;
  private final Scratch scratch;
  private final Map<StepShape, Recorded> recorded = new HashMap<>();

  /// The scratch memory, and what the engine has moved, that all of them use.
  private long scratchMoves;

  private long engineMoves;

  StepGraphs(CudaStream stream, Scratch scratch) {
    this.stream = stream;
    this.scratch = scratch;
  }

  /// A shape that has run once, and its graph from the second time on.
  private static final class Recorded {
    private CudaGraph[] graph = new CudaGraph[0];
  }

  /// Runs `body`, or what it did before in a step of this shape.
  void run(StepShape shape, Runnable body) {
    forgetWhatMoved(shape);
    Recorded known = recorded.get(shape);
    if (known == null) {
      body.run();
      // What grew for this step has made the others invalid.
      forgetWhatMoved(shape);
      recorded.put(shape, new Recorded());
      return;
    }
    if (known.graph.length == 0) {
      known.graph = new CudaGraph[] {CudaGraph.capture(stream, body)};
    }
    known.graph[0].launch(stream);
  }

  private void forgetWhatMoved(StepShape shape) {
    boolean hasMoved = scratch.moves() != scratchMoves || shape.memory() != engineMoves;
    if (hasMoved || recorded.size() >= MOST) {
      close();
      scratchMoves = scratch.moves();
      engineMoves = shape.memory();
    }
  }

  @Override
  public void close() {
    Failures failures = new Failures();
    for (Recorded known : recorded.values()) {
      for (CudaGraph graph : known.graph) {
        failures.attempt(graph::close);
      }
    }
    recorded.clear();
    failures.rethrow();
  }
}
