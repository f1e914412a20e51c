package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.Availability;
import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.BackendOptions;
import io.sparkllama4.backend.BackendProvider;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import java.util.List;

/// Opens the CPU backend, which every machine has.
public final class CpuProvider implements BackendProvider {
  private static final String NO_VECTOR_API =
      "the Vector API is not enabled; start java with --add-modules=jdk.incubator.vector";

  @Override
  public String name() {
    return "cpu";
  }

  @Override
  public int rank() {
    return 0;
  }

  @Override
  public Availability availability() {
    return hasVectorApi()
        ? new Availability.Available("vector", List.of())
        : new Availability.Available("scalar", List.of(NO_VECTOR_API));
  }

  private static boolean hasVectorApi() {
    return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
  }

  @Override
  public void check(BackendOptions options) {
    switch (options.kernels()) {
      case "auto", "scalar", "vector" -> {}
      case "native" ->
          throw ErrorReport.of(
                  ErrorCode.UNSUPPORTED_FEATURE, "Kernels [native] are not part of this build")
              .found("native", "auto, scalar, vector")
              .key("--kernels")
              .exception();
      default ->
          throw ErrorReport.of(
                  ErrorCode.INVALID_OPTION, "Unknown kernels [" + options.kernels() + "]")
              .found(options.kernels(), "auto, scalar, vector")
              .key("--kernels")
              .exception();
    }
  }

  @Override
  public Backend open(BackendOptions options) {
    check(options);
    return switch (options.kernels()) {
      case "scalar" -> scalar(options);
      case "vector" -> {
        if (!hasVectorApi()) {
          throw ErrorReport.of(
                  ErrorCode.BACKEND_UNAVAILABLE, "Cannot take kernels [vector]: " + NO_VECTOR_API)
              .found("vector", "scalar")
              .key("--kernels")
              .exception();
        }
        yield vector(options);
      }
      default -> hasVectorApi() ? vector(options) : scalar(options);
    };
  }

  private static Backend scalar(BackendOptions options) {
    return new CpuBackend("scalar", new ScalarKernels(), new CpuPool(options.threads()));
  }

  private static Backend vector(BackendOptions options) {
    CpuPool pool = new CpuPool(options.threads());
    return new CpuBackend("vector", new VectorKernels(pool), pool);
  }
}
