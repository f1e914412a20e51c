package io.sparkllama4.backend.cuda;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;

/// All kernels of a device, loaded when the first of their file is asked for. Used on the device's
/// thread.
final class KernelSet implements AutoCloseable {
  private final CudaDevice device;
  private final Map<String, byte[]> images;
  private final SortedMap<String, KernelFigures> figures;
  private final Map<String, CudaModule> modules = new HashMap<>();
  private final Map<String, Launch> launches = new HashMap<>();

  KernelSet(CudaDevice device, KernelArchive archive, KernelTarget target) {
    this.device = device;
    this.images = archive.images(target);
    this.figures = archive.kernels(target);
  }

  /// Launches of a kernel.
  Launch of(String kernel) {
    Launch known = launches.get(kernel);
    if (known == null) {
      known = new Launch(module(kernel).function(kernel));
      launches.put(kernel, known);
    }
    return known;
  }

  /// The names of all kernels that there are.
  Set<String> all() {
    return figures.keySet();
  }

  /// What the compiler said of a kernel that there is.
  KernelFigures figures(String kernel) {
    return Objects.requireNonNull(figures.get(kernel), kernel);
  }

  /// The names of those that have been asked for.
  Set<String> used() {
    return Set.copyOf(launches.keySet());
  }

  private CudaModule module(String kernel) {
    KernelFigures found = figures.get(kernel);
    if (found == null) {
      throw new IllegalArgumentException("The kernel archive has no [" + kernel + "]");
    }
    byte[] image = images.get(found.module());
    if (image == null) {
      throw new IllegalArgumentException("The kernel archive has no module of [" + kernel + "]");
    }
    return modules.computeIfAbsent(found.module(), _ -> CudaModule.load(device, (_, _) -> image));
  }

  @Override
  public void close() {
    modules.values().forEach(CudaModule::close);
  }
}
