package io.sparkllama4.cli.bench;

import io.sparkllama4.backend.Probe;
import io.sparkllama4.backend.Routing;
import io.sparkllama4.tensor.Tensor;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/// Counts the experts that the tokens of each step were routed to. Kernels see nobody look on but
/// while it is active.
final class RoutedExperts implements Probe {
  private volatile boolean active;

  /// By layer; of the engine's thread alone.
  private final Map<Integer, Integer> reached = new TreeMap<>();

  /// Counts from now on, or no longer; called while the engine rests.
  void activate(boolean wanted) {
    active = wanted;
  }

  /// What the layers of the last step reached, by layer; on the engine's thread.
  Map<Integer, Integer> take() {
    Map<Integer, Integer> taken = Map.copyOf(reached);
    reached.clear();
    return taken;
  }

  @Override
  public void see(String name, Tensor value) {}

  @Override
  public void see(String name, Routing routing) {}

  @Override
  public Probe layer(int index) {
    if (!active) {
      return Probe.NONE;
    }
    return new Probe() {
      @Override
      public void see(String name, Tensor value) {}

      @Override
      public void see(String name, Routing routing) {
        reached.put(index, (int) IntStream.of(routing.experts()).distinct().count());
      }
    };
  }
}
