package io.sparkllama4.architecture.planted.tensor;

import java.lang.foreign.MemorySegment;

/// Restricted calls outside of a package for them.
public final class CallsNative {
  private CallsNative() {}

  /// Memory that nobody owns.
  @SuppressWarnings("restricted")
  public static MemorySegment anywhere(long address) {
    return MemorySegment.ofAddress(address).reinterpret(1);
  }

  /// A library that nobody loads.
  public static native int anything();
}
