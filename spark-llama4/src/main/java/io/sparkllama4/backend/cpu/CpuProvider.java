package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.Availability;
import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.BackendOptions;
import io.sparkllama4.backend.BackendProvider;
import io.sparkllama4.backend.cpu.ffi.KernelLibrary;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import java.util.List;

/// Opens the CPU backend, which every machine has.
public final class CpuProvider implements BackendProvider {
  private static final List<String> KERNELS = List.of("auto", "scalar", "vector", "native");

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
    KernelLibrary.Found found = KernelLibrary.found();
    if (found.library().isPresent() && hasVectorApi()) {
      return new Availability.Available("native", List.of("instructions: " + found.reason()));
    }
    return hasVectorApi()
        ? new Availability.Available("vector", List.of(found.reason()))
        : new Availability.Available("scalar", List.of(NO_VECTOR_API));
  }

  private static boolean hasVectorApi() {
    return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
  }

  @Override
  public void check(BackendOptions options) {
    if (!KERNELS.contains(options.kernels())) {
      throw ErrorReport.of(ErrorCode.INVALID_OPTION, "Unknown kernels [" + options.kernels() + "]")
          .found(options.kernels(), String.join(", ", KERNELS))
          .key("--kernels")
          .exception();
    }
    options.requireKvDtype("cpu", List.of("auto", "f32"));
  }

  @Override
  public Backend open(BackendOptions options) {
    check(options);
    return CpuRanks.open(
        options.ranks(),
        options.threads(),
        (threads, link) -> rank(options.kernels(), threads, link));
  }

  private static CpuBackend rank(String kernels, int threads, RankLink link) {
    KernelLibrary.Found found = KernelLibrary.found();
    return switch (kernels) {
      case "scalar" -> CpuBackend.plain(new ScalarKernels(link), threads);
      case "vector" -> {
        requireVectorApi("vector");
        yield CpuBackend.vector(threads, "asked for", link);
      }
      case "native" -> {
        requireVectorApi("native");
        yield CpuBackend.nativeKernels(
            threads,
            found.library().orElseThrow(() -> unavailable("native", found.reason())),
            link);
      }
      default -> {
        if (!hasVectorApi()) {
          yield CpuBackend.plain(new ScalarKernels(link), threads);
        }
        yield found
            .library()
            .map(library -> CpuBackend.nativeKernels(threads, library, link))
            .orElseGet(() -> CpuBackend.vector(threads, found.reason(), link));
      }
    };
  }

  private static void requireVectorApi(String kernels) {
    if (!hasVectorApi()) {
      throw unavailable(kernels, NO_VECTOR_API);
    }
  }

  private static Llama4Exception unavailable(String kernels, String reason) {
    return ErrorReport.of(
            ErrorCode.BACKEND_UNAVAILABLE, "Cannot take kernels [" + kernels + "]: " + reason)
        .found(kernels, "auto, or another path")
        .key("--kernels")
        .exception();
  }
}
