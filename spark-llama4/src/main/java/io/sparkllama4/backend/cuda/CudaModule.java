package io.sparkllama4.backend.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;

/// Kernels as the driver has loaded them.
public final class CudaModule extends DeviceResource {
  private final long handle;
  private final Map<String, CudaFunction> functions = new HashMap<>();

  private CudaModule(CudaDevice device, long handle) {
    super(device);
    this.handle = handle;
  }

  /// Loads what suits the device; from any thread.
  public static CudaModule load(CudaDevice device, KernelImages images) {
    DeviceInfo info = device.info();
    byte[] image = images.image(info.major(), info.minor());
    return device.call(
        () -> {
          try (Arena arena = Arena.ofConfined()) {
            // PTX is text, and ends with a zero byte.
            MemorySegment data = arena.allocate(image.length + 1L, 16);
            MemorySegment.copy(image, 0, data, ValueLayout.JAVA_BYTE, 0, image.length);
            MemorySegment out = device.out();
            int result = device.driver().moduleLoadData(out, data);
            if (result != 0) {
              throw device.failure(
                  result,
                  "cuModuleLoadData",
                  "bytes",
                  image.length,
                  "compute capability",
                  info.major() + "." + info.minor());
            }
            return device.opened(new CudaModule(device, out.get(ValueLayout.JAVA_LONG, 0)));
          }
        });
  }

  /// A kernel by its name; the same one each time.
  public CudaFunction function(String name) {
    return device.call(() -> functions.computeIfAbsent(name, this::find));
  }

  private CudaFunction find(String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = device.out();
      int result = device.driver().moduleGetFunction(out, handle, arena.allocateFrom(name));
      if (result != 0) {
        throw device.failure(result, "cuModuleGetFunction", "name", name);
      }
      return new CudaFunction(device, name, out.get(ValueLayout.JAVA_LONG, 0));
    }
  }

  @Override
  int release() {
    return device.driver().moduleUnload(handle);
  }

  @Override
  String releasing() {
    return "cuModuleUnload";
  }
}
