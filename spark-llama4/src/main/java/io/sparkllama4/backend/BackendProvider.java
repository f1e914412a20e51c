package io.sparkllama4.backend;

/// A kind of backend; implementations are named in `META-INF/services`.
public interface BackendProvider {
  /// The name that `--backend` and `spark.llama4.backend` take.
  String name();

  /// Backends with a higher rank are tried first by `auto`.
  int rank();

  /// Whether it can work here. Cheap, repeatable, and never throws.
  Availability availability();

  /// Opens it.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with BACKEND_UNAVAILABLE or UNSUPPORTED_FEATURE
  ///     where it cannot do what is asked
  Backend open(BackendOptions options);
}
