package io.sparkllama4.engine;

import io.sparkllama4.backend.Probe;

/// Who looks on while an engine works.
///
/// @param probe sees intermediates
/// @param listener hears of steps
public record EngineHooks(Probe probe, StepListener listener) {
  /// Nobody.
  public static final EngineHooks NONE = new EngineHooks(Probe.NONE, StepListener.NONE);
}
