package io.sparkllama4.backend;

/// Which token went to which expert in one mixture layer of a step: a handle that may stay on the
/// device. Nobody above the backend looks into it, save probes and histograms, through the copies.
///
/// The T*k choices are also ordered by expert, and within an expert by token: the rows of the
/// grouped matrices.
public interface Routing {
  /// Copies the chosen experts out: `[T*k]`, a token's choices side by side, best first.
  int[] experts();

  /// Copies the scores of the choices out, in the same order.
  float[] scores();
}
