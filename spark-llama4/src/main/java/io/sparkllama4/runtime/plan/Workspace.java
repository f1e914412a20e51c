package io.sparkllama4.runtime.plan;

import io.sparkllama4.backend.StepBuffers;
import io.sparkllama4.model.DecoderSpec;

/// An estimate of what a GPU needs besides weights and KV cache.
final class Workspace {
  /// Most tokens of a step, and rows of logits that are made at once: those of the engine, see
  /// `EngineOptions` and `StepRunner`.
  static final int STEP_TOKENS = 2048;

  static final int LOGIT_ROWS = 256;

  /// The device's context, its kernels and the graphs of the padded batch sizes. An assumption: no
  /// formula gives it.
  static final long DEVICE_BYTES = 1L << 30;

  private Workspace() {}

  /// Bytes on every GPU: the scratch memory of a step, which no GPU shares, and the device's own.
  static long estimate(DecoderSpec spec) {
    return StepBuffers.bytes(spec.bufferSizes(), STEP_TOKENS, LOGIT_ROWS) + DEVICE_BYTES;
  }
}
