package io.sparkllama4.backend;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;

/// Finds backends and chooses one.
public final class Backends {
  /// Backends that are designed but not part of this build, with the reason that users are told.
  private static final String CUDA_REASON =
      "the CUDA backend is not part of this build; use --backend cpu";

  private Backends() {}

  /// Every provider of this build, best first.
  public static List<BackendProvider> providers() {
    List<BackendProvider> found = new ArrayList<>();
    ServiceLoader.load(BackendProvider.class, Backends.class.getClassLoader()).forEach(found::add);
    found.sort(Comparator.comparingInt(BackendProvider::rank).reversed());
    return found;
  }

  /// The availability of a backend by name.
  public static Availability availability(String name) {
    for (BackendProvider provider : providers()) {
      if (provider.name().equals(name)) {
        return provider.availability();
      }
    }
    return new Availability.Unavailable(
        List.of(name.equals("cuda") ? CUDA_REASON : "no backend has the name " + name));
  }

  /// Checks what is asked of the backend `name` without opening it, on a machine that need not have
  /// its device.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with BACKEND_UNAVAILABLE where this build has no
  ///     such backend, or as the provider says
  public static void check(String name, BackendOptions options) {
    List<BackendProvider> possible =
        providers().stream().filter(p -> name.equals("auto") || name.equals(p.name())).toList();
    if (possible.isEmpty()) {
      throw unavailable(name, availability(name).reasons());
    }
    possible.forEach(provider -> provider.check(options));
  }

  /// Opens the backend `name`, or for `auto` the best that can work here.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with BACKEND_UNAVAILABLE and all the reasons
  public static Backend open(String name, BackendOptions options) {
    List<String> reasons = new ArrayList<>();
    for (BackendProvider provider : providers()) {
      if (name.equals("auto") || name.equals(provider.name())) {
        if (provider.availability() instanceof Availability.Available) {
          return provider.open(options);
        }
        reasons.addAll(provider.availability().reasons());
      }
    }
    if (reasons.isEmpty()) {
      reasons.addAll(availability(name).reasons());
    }
    throw unavailable(name, reasons);
  }

  private static Llama4Exception unavailable(String name, List<String> reasons) {
    return ErrorReport.of(
            ErrorCode.BACKEND_UNAVAILABLE,
            "Cannot open backend [" + name + "]: " + String.join("; ", reasons))
        .found(name, "auto, cpu")
        .key("--backend")
        .exception();
  }
}
