package io.sparkllama4.backend;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;

/// Finds backends and chooses one.
public final class Backends {
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
    return new Availability.Unavailable(List.of("no backend has the name " + name));
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
    Optional<Llama4Exception> refusal = Optional.empty();
    for (BackendProvider provider : possible) {
      Optional<Llama4Exception> refused = refusal(provider, options);
      if (refused.isEmpty()) {
        return;
      }
      refusal = refused;
    }
    // The last is the one that every machine has.
    refusal.ifPresent(
        refused -> {
          throw refused;
        });
  }

  private static Optional<Llama4Exception> refusal(
      BackendProvider provider, BackendOptions options) {
    try {
      provider.check(options);
      return Optional.empty();
    } catch (Llama4Exception e) {
      return Optional.of(e);
    }
  }

  /// Opens the backend `name`, or for `auto` the best that can work here.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with BACKEND_UNAVAILABLE and all the reasons
  public static Backend open(String name, BackendOptions options) {
    List<String> reasons = new ArrayList<>();
    for (BackendProvider provider : providers()) {
      if (name.equals("auto") || name.equals(provider.name())) {
        Availability availability = provider.availability();
        boolean isAvailable = availability instanceof Availability.Available;
        // A backend that cannot do what is asked leaves it to the next, where there may be one.
        Optional<Llama4Exception> refused =
            isAvailable && name.equals("auto") ? refusal(provider, options) : Optional.empty();
        if (isAvailable && refused.isEmpty()) {
          return provider.open(options);
        }
        reasons.addAll(refused.map(e -> List.of(e.getMessage())).orElse(availability.reasons()));
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
        .found(name, "auto, cpu, cuda")
        .key("--backend")
        .exception();
  }
}
