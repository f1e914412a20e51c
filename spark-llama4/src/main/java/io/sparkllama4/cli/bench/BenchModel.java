package io.sparkllama4.cli.bench;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.engine.Engine;
import io.sparkllama4.engine.EngineHooks;
import io.sparkllama4.model.KvGroup;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.RuntimeOptions;
import java.nio.file.Path;

/// The model that is measured, opened as everybody opens one.
///
/// Its first engine reuses no prefixes: the same prompt comes in every round and must be computed
/// in each. Cases that are about reuse open an engine that has seen nothing yet.
public final class BenchModel implements AutoCloseable {
  private final ModelHandle handle;
  private final RuntimeOptions options;
  private final RoutedExperts routed;
  private final StepClock clock;
  private final Work work;
  private final Ids ids;
  private long freshKvPeak;

  private BenchModel(
      ModelHandle handle,
      RuntimeOptions options,
      RoutedExperts routed,
      Work work,
      StepClock clock) {
    this.handle = handle;
    this.options = options;
    this.routed = routed;
    this.work = work;
    this.clock = clock;
    this.ids = new Ids(handle.checkpoint().spec().vocabulary());
  }

  /// Opens the checkpoint in `directory`.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception as [ModelHandle#open]
  public static BenchModel open(Path directory, RuntimeOptions options) {
    RoutedExperts routed = new RoutedExperts();
    Work work = new Work();
    StepClock clock = new StepClock(routed, work);
    ModelHandle handle =
        ModelHandle.open(directory, options.withoutShortcuts(), new EngineHooks(routed, clock));
    work.add(handle.weights());
    return new BenchModel(handle, options, routed, work, clock);
  }

  /// The model.
  public ModelHandle handle() {
    return handle;
  }

  /// Its backend.
  Backend backend() {
    return handle.backend();
  }

  /// The engine that reuses nothing.
  Engine engine() {
    return handle.engine();
  }

  /// An engine that has computed nothing yet; the caller closes it.
  ///
  /// @param reusesPrefixes as far as the user's options allow it, else not at all
  Engine freshEngine(int maxBatch, boolean reusesPrefixes) {
    RuntimeOptions batching = options.withMaxBatch(maxBatch);
    return handle.openEngine(
        reusesPrefixes ? batching.withoutSpeculation() : batching.withoutShortcuts());
  }

  /// Remembers how much of the cache a fresh engine has needed.
  void note(Engine fresh) {
    freshKvPeak = Math.max(freshKvPeak, fresh.stats().kvTokensPeak());
  }

  /// The most bytes of keys and values at a time: those of the first engine, which keeps its
  /// memory, and of the largest that was open beside it.
  long kvPeakBytes() {
    long tokenBytes = 0;
    for (KvGroup group : KvGroup.values()) {
      tokenBytes +=
          handle.checkpoint().spec().kvBytesPerToken(group, handle.backend().kv().dtype());
    }
    return tokenBytes * (engine().stats().kvTokensPeak() + freshKvPeak);
  }

  /// Counts experts in what runs next, or no longer.
  void observe(boolean wanted) {
    routed.activate(wanted);
  }

  /// Hears of the steps of [#engine].
  StepClock clock() {
    return clock;
  }

  /// What its tokens take.
  Work work() {
    return work;
  }

  /// Prompts.
  Ids ids() {
    return ids;
  }

  /// The most sequences in a step.
  int maxBatch() {
    return options.engine().maxBatch();
  }

  @Override
  public void close() {
    handle.close();
  }
}
