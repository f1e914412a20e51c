package io.sparkllama4.backend.cuda.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Gives addresses that the driver returned the size that they have.
public final class DeviceSegments {
  /// The driver's texts are far shorter.
  private static final long MOST_TEXT = 4096;

  private DeviceSegments() {}

  /// Memory of a device. Nobody on the host may read it: it stands for an address and a size.
  @SuppressWarnings("restricted") // The size is that of the driver's own allocation.
  public static MemorySegment device(long address, long bytes) {
    return MemorySegment.ofAddress(address).reinterpret(bytes);
  }

  /// Memory of the host that the driver allocated; unreadable once `arena` is closed.
  @SuppressWarnings("restricted") // The size is that of the driver's own allocation.
  public static MemorySegment host(long address, long bytes, Arena arena) {
    return MemorySegment.ofAddress(address).reinterpret(bytes, arena, null);
  }

  /// The text at an address that ends with a zero byte.
  @SuppressWarnings("restricted") // The text ends itself.
  static String text(MemorySegment address) {
    return address.reinterpret(MOST_TEXT).getString(0);
  }
}
