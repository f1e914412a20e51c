package io.sparkllama4.backend;

import java.util.List;

/// What a user may choose about a backend.
///
/// @param kernels the path: `auto`, or a name that the backend knows
/// @param threads compute threads, at least 1
/// @param strict whether the order of every sum must not depend on what shares the step
/// @param ranks how many share the model, and the threads
/// @param devices addresses of the devices that may be used, as Spark's resources give them; none
///     for all
public record BackendOptions(
    String kernels, int threads, boolean strict, int ranks, List<String> devices) {
  /// Copies the list.
  public BackendOptions {
    devices = List.copyOf(devices);
  }

  /// Options where any device will do.
  public BackendOptions(String kernels, int threads, boolean strict, int ranks) {
    this(kernels, threads, strict, ranks, List.of());
  }

  /// Options of a model on one rank.
  public BackendOptions(String kernels, int threads, boolean strict) {
    this(kernels, threads, strict, 1, List.of());
  }
}
