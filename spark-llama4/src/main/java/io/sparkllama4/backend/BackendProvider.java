package io.sparkllama4.backend;

/// A kind of backend; implementations are named in `META-INF/services`.
public interface BackendProvider {
  /// The name that `--backend` and `spark.llama4.backend` take.
  String name();

  /// Backends with a higher rank are tried first by `auto`.
  int rank();

  /// Whether it can work here. Cheap, repeatable, and never throws.
  Availability availability();

  /// Checks options without opening it, on a machine that need not have the device: what no machine
  /// can do with this build is refused here.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with INVALID_OPTION or UNSUPPORTED_FEATURE
  void check(BackendOptions options);

  /// Opens it.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with BACKEND_UNAVAILABLE or UNSUPPORTED_FEATURE
  ///     where it cannot do what is asked
  Backend open(BackendOptions options);
}
