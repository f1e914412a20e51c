package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.cuda.ffi.CudaLayouts;
import io.sparkllama4.backend.cuda.ffi.DeviceSegments;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Memory of the host that stays where it is, so that devices copy from and to it on their own, and
/// kernels may read it.
public final class PinnedMemory extends DeviceResource {
  private static final int FLAGS = CudaLayouts.HOST_PORTABLE | CudaLayouts.HOST_MAPPED;

  private final Arena arena = Arena.ofShared();
  private final long address;
  private final long deviceAddress;
  private final MemorySegment segment;

  private PinnedMemory(CudaDevice device, long address, long deviceAddress, long bytes) {
    super(device);
    this.address = address;
    this.deviceAddress = deviceAddress;
    segment = DeviceSegments.host(address, bytes, arena);
  }

  /// Allocates; from any thread. What stands in it is not known.
  ///
  /// @throws CudaException with NOT_ENOUGH_MEMORY where the host has no room to pin
  public static PinnedMemory allocate(CudaDevice device, long bytes) {
    if (bytes <= 0) {
      throw new IllegalArgumentException("Cannot pin [" + bytes + "] bytes of the host's memory");
    }
    return device.call(
        () -> {
          MemorySegment out = device.out();
          int result = device.driver().memHostAlloc(out, bytes, FLAGS);
          if (result != 0) {
            throw device.failure(result, "cuMemHostAlloc", "bytes", bytes);
          }
          long address = out.get(ValueLayout.JAVA_LONG, 0);
          int mapped = device.driver().memHostGetDevicePointer(out, address, 0);
          if (mapped != 0) {
            CudaException refused =
                device.failure(mapped, "cuMemHostGetDevicePointer_v2", "bytes", bytes);
            int freed = device.driver().memFreeHost(address);
            if (freed != 0) {
              refused.addSuppressed(device.failure(freed, "cuMemFreeHost"));
            }
            throw refused;
          }
          device.count(0, bytes);
          long deviceAddress = out.get(ValueLayout.JAVA_LONG, 0);
          return device.opened(new PinnedMemory(device, address, deviceAddress, bytes));
        });
  }

  /// The memory; unreadable once this is closed.
  public MemorySegment segment() {
    return segment;
  }

  /// How much of it there is.
  public long bytes() {
    return segment.byteSize();
  }

  /// Where kernels see it.
  public long deviceAddress() {
    return deviceAddress;
  }

  @Override
  int release() {
    return device.driver().memFreeHost(address);
  }

  @Override
  void released() {
    device.count(0, -bytes());
    arena.close();
  }

  @Override
  String releasing() {
    return "cuMemFreeHost";
  }
}
