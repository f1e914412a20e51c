package io.sparkllama4.backend;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import java.util.List;

/// What a user may choose about a backend.
///
/// @param kernels the path: `auto`, or a name that the backend knows
/// @param threads compute threads, at least 1
/// @param strict whether the order of every sum must not depend on what shares the step
/// @param ranks how many share the model, and the threads
/// @param devices addresses of the devices that may be used, as Spark's resources give them; none
///     for all
/// @param kvDtype of keys and values: `auto`, or a type that the backend keeps them in
public record BackendOptions(
    String kernels, int threads, boolean strict, int ranks, List<String> devices, String kvDtype) {
  /// Keys and values as the backend likes them.
  public static final String AUTO = "auto";

  /// Copies the list.
  public BackendOptions {
    devices = List.copyOf(devices);
  }

  /// Options where any device will do.
  public BackendOptions(String kernels, int threads, boolean strict, int ranks) {
    this(kernels, threads, strict, ranks, List.of(), AUTO);
  }

  /// The same with keys and values of another type.
  public BackendOptions withKvDtype(String type) {
    return new BackendOptions(kernels, threads, strict, ranks, devices, type);
  }

  /// Refuses a type of keys and values that is none of the backend's.
  ///
  /// @param backend its name
  /// @param allowed `auto` and others
  public void requireKvDtype(String backend, List<String> allowed) {
    if (!allowed.contains(kvDtype)) {
      throw ErrorReport.of(
              ErrorCode.UNSUPPORTED_FEATURE,
              "Backend [" + backend + "] keeps no keys and values in [" + kvDtype + "]")
          .found(kvDtype, String.join(", ", allowed) + " with --backend " + backend)
          .key("--kv-dtype")
          .exception();
    }
  }

  /// Options of a model on one rank.
  public BackendOptions(String kernels, int threads, boolean strict) {
    this(kernels, threads, strict, 1, List.of(), AUTO);
  }
}
