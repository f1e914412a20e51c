package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.cuda.ffi.CudaLayouts;
import java.lang.foreign.ValueLayout;

/// A kernel of a module, as long as that is loaded.
public final class CudaFunction {
  /// Above this a kernel must be allowed its dynamic shared memory by name.
  private static final int FREE_SHARED_BYTES = 48 << 10;

  private final CudaDevice device;
  private final String name;
  private final long handle;

  /// The most dynamic shared memory that it may be launched with, in bytes.
  private int allowedBytes = FREE_SHARED_BYTES;

  CudaFunction(CudaDevice device, String name, long handle) {
    this.device = device;
    this.name = name;
    this.handle = handle;
  }

  /// Its device.
  public CudaDevice device() {
    return device;
  }

  /// Its name in the source.
  public String name() {
    return name;
  }

  long handle() {
    return handle;
  }

  /// An attribute, one of those of functions in [CudaLayouts].
  public int attribute(int attribute) {
    return device.call(
        () -> {
          int result = device.driver().funcGetAttribute(device.out(), attribute, handle);
          if (result != 0) {
            throw device.failure(
                result, "cuFuncGetAttribute", "function", name, "attribute", attribute);
          }
          return device.out().get(ValueLayout.JAVA_INT, 0);
        });
  }

  /// Registers of a thread.
  public int registers() {
    return attribute(CudaLayouts.FUNCTION_REGISTERS);
  }

  /// Allows launches with `bytes` of dynamic shared memory; asks the driver only where that is more
  /// than is allowed already. On the device's thread.
  void allowShared(int bytes) {
    if (bytes <= allowedBytes) {
      return;
    }
    int result =
        device.driver().funcSetAttribute(handle, CudaLayouts.FUNCTION_MOST_DYNAMIC_BYTES, bytes);
    if (result != 0) {
      CudaException refused =
          device.failure(
              result, "cuFuncSetAttribute", "function", name, "shared memory bytes", bytes);
      throw refused.error() == CudaError.INVALID_VALUE
          ? refused.with(bytes + " bytes", "at most " + device.mostSharedBytes() + " bytes")
          : refused;
    }
    allowedBytes = bytes;
  }
}
