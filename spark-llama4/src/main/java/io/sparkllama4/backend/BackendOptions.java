package io.sparkllama4.backend;

/// What a user may choose about a backend.
///
/// @param kernels the path: `auto`, or a name that the backend knows
/// @param threads compute threads, at least 1
/// @param strict whether the order of every sum must not depend on what shares the step
/// @param ranks how many share the model, and the threads
public record BackendOptions(String kernels, int threads, boolean strict, int ranks) {
  /// Options of a model on one rank.
  public BackendOptions(String kernels, int threads, boolean strict) {
    this(kernels, threads, strict, 1);
  }
}
