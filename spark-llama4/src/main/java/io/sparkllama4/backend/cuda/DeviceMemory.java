package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.cuda.ffi.DeviceSegments;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Memory of a device, as `cuMemAlloc` gives it: aligned to 256 bytes, with whatever stood there.
public final class DeviceMemory extends DeviceResource {
  private final long address;
  private final long bytes;

  private DeviceMemory(CudaDevice device, long address, long bytes) {
    super(device);
    this.address = address;
    this.bytes = bytes;
  }

  /// Allocates; from any thread.
  ///
  /// @throws CudaException with NOT_ENOUGH_MEMORY and the numbers where there is no room
  public static DeviceMemory allocate(CudaDevice device, long bytes) {
    if (bytes <= 0) {
      throw new IllegalArgumentException("Cannot allocate [" + bytes + "] bytes on a device");
    }
    return device.call(
        () -> {
          MemorySegment out = device.out();
          int result = device.driver().memAlloc(out, bytes);
          if (result != 0) {
            throw refused(device, result, bytes);
          }
          device.count(bytes, 0);
          return device.opened(new DeviceMemory(device, out.get(ValueLayout.JAVA_LONG, 0), bytes));
        });
  }

  private static CudaException refused(CudaDevice device, int result, long bytes) {
    CudaException refused = device.failure(result, "cuMemAlloc_v2", "bytes", bytes);
    if (refused.error() != CudaError.OUT_OF_MEMORY) {
      return refused;
    }
    try {
      return refused.with(
          device.freeBytes()
              + " bytes free of "
              + device.info().totalBytes()
              + ", "
              + device.allocatedBytes()
              + " allocated by this process",
          bytes + " bytes in one piece");
    } catch (CudaException e) {
      refused.addSuppressed(e);
      return refused;
    }
  }

  /// Where it lies, on the device.
  public long address() {
    return address;
  }

  /// How much of it there is.
  public long bytes() {
    return bytes;
  }

  /// Its address and size as a segment, which nobody on the host may read or write.
  public MemorySegment segment() {
    return DeviceSegments.device(address, bytes);
  }

  @Override
  int release() {
    return device.driver().memFree(address);
  }

  @Override
  void released() {
    device.count(-bytes, 0);
  }

  @Override
  String releasing() {
    return "cuMemFree_v2";
  }
}
