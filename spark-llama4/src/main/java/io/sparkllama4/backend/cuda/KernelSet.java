package io.sparkllama4.backend.cuda;

import java.util.HashMap;
import java.util.Map;
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
