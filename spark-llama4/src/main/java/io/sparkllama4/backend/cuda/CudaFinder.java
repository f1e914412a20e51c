package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.cuda.ffi.CudaDriver;
import io.sparkllama4.backend.cuda.ffi.NativeLibrary;
import io.sparkllama4.error.Llama4Exception;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Looks for the driver and its devices, and says why there are none.
public final class CudaFinder {
  private CudaFinder() {}

  /// What was found.
  ///
  /// @param driver initialised; empty where there is none that works
  /// @param devices all that the driver shows, also those that are too old for the kernels
  /// @param reasons why no device can be used, each with what would help; empty where one can
  public record Found(Optional<CudaDriver> driver, List<DeviceInfo> devices, List<String> reasons) {
    /// Keeps its own copies.
    public Found {
      devices = List.copyOf(devices);
      reasons = List.copyOf(reasons);
    }

    /// Whether there is a device that the kernels can run on.
    public boolean isUsable() {
      return reasons.isEmpty();
    }

    static Found none(String reason) {
      return new Found(Optional.empty(), List.of(), List.of(reason));
    }
  }

  /// Looks where a user's configuration says; never throws, and opens no device.
  public static Found find() {
    return find(CudaDriver.SOURCES);
  }

  /// Looks in `sources`; never throws, and opens no device.
  public static Found find(NativeLibrary.Sources sources) {
    NativeLibrary library = NativeLibrary.find(sources);
    if (!library.isPresent()) {
      return Found.none(
          "no CUDA driver: " + library.reason() + "; NVIDIA's driver for the host installs it");
    }
    CudaDriver driver = new CudaDriver(library);
    try {
      return initialised(driver);
    } catch (Llama4Exception e) {
      return Found.none("the CUDA driver [" + library.origin() + "]: " + e.report().describe());
    }
  }

  private static Found initialised(CudaDriver driver) {
    check(driver, driver.init(0), "cuInit");
    List<DeviceInfo> devices = new ArrayList<>();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(ValueLayout.JAVA_INT);
      check(driver, driver.deviceGetCount(count), "cuDeviceGetCount");
      for (int i = 0; i < count.get(ValueLayout.JAVA_INT, 0); i++) {
        devices.add(DeviceInfo.read(driver, i));
      }
    }
    List<String> reasons = new ArrayList<>();
    if (devices.isEmpty()) {
      reasons.add("no CUDA device; " + CudaError.NO_DEVICE.advice());
    } else if (devices.stream().noneMatch(DeviceInfo::isCapable)) {
      devices.forEach(
          device ->
              reasons.add(
                  device
                      + " is too old: the kernels need compute capability "
                      + DeviceInfo.LEAST_MAJOR
                      + ".0 or newer"));
    }
    return new Found(Optional.of(driver), devices, reasons);
  }

  private static void check(CudaDriver driver, int result, String call) {
    if (result != 0) {
      throw CudaException.of(driver, result, call, "");
    }
  }
}
