package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.cuda.ffi.CudaDriver;
import io.sparkllama4.backend.cuda.ffi.CudaLayouts;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;

/// What a device says of itself.
///
/// @param ordinal its number in this process, under CUDA_VISIBLE_DEVICES
/// @param name for people
/// @param uuid as `nvidia-smi` writes it: `GPU-` and 32 hexadecimal digits in five groups
/// @param major compute capability
/// @param minor compute capability
/// @param totalBytes its memory
public record DeviceInfo(
    int ordinal, String name, String uuid, int major, int minor, long totalBytes) {

  /// Kernels copy to shared memory without registers and multiply in bfloat16: since this one.
  static final int LEAST_MAJOR = 8;

  /// Asks the device; needs no context, only an initialised driver.
  static DeviceInfo read(CudaDriver driver, int ordinal) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(CudaLayouts.NAME_BYTES, 8);
      check(driver, driver.deviceGet(out, ordinal), "cuDeviceGet", ordinal);
      int device = out.get(ValueLayout.JAVA_INT, 0);
      check(
          driver,
          driver.deviceGetName(out, CudaLayouts.NAME_BYTES, device),
          "cuDeviceGetName",
          ordinal);
      String name = out.getString(0);
      check(driver, driver.deviceGetUuid(out, device), "cuDeviceGetUuid_v2", ordinal);
      String uuid = uuid(out);
      int major = attribute(driver, out, CudaLayouts.COMPUTE_MAJOR, device);
      int minor = attribute(driver, out, CudaLayouts.COMPUTE_MINOR, device);
      check(driver, driver.deviceTotalMem(out, device), "cuDeviceTotalMem_v2", ordinal);
      return new DeviceInfo(ordinal, name, uuid, major, minor, out.get(ValueLayout.JAVA_LONG, 0));
    }
  }

  /// One attribute of `device`.
  ///
  /// @param out room for an int
  static int attribute(CudaDriver driver, MemorySegment out, int attribute, int device) {
    int result = driver.deviceGetAttribute(out, attribute, device);
    if (result != 0) {
      throw CudaException.of(
          driver, result, "cuDeviceGetAttribute", "device " + device, "attribute", attribute);
    }
    return out.get(ValueLayout.JAVA_INT, 0);
  }

  private static void check(CudaDriver driver, int result, String call, int ordinal) {
    if (result != 0) {
      throw CudaException.of(driver, result, call, "device " + ordinal);
    }
  }

  private static String uuid(MemorySegment bytes) {
    byte[] uuid = bytes.asSlice(0, CudaLayouts.UUID_BYTES).toArray(ValueLayout.JAVA_BYTE);
    HexFormat digits = HexFormat.of();
    return "GPU-"
        + String.join(
            "-",
            digits.formatHex(uuid, 0, 4),
            digits.formatHex(uuid, 4, 6),
            digits.formatHex(uuid, 6, 8),
            digits.formatHex(uuid, 8, 10),
            digits.formatHex(uuid, 10, 16));
  }

  /// Whether the kernels of this project can run on it.
  boolean isCapable() {
    return major >= LEAST_MAJOR;
  }

  /// For people: `device 0 (NVIDIA H100, compute capability 9.0)`.
  @Override
  public String toString() {
    return "device "
        + ordinal
        + " ("
        + name
        + ", compute capability "
        + major
        + "."
        + minor
        + ", "
        + uuid
        + ")";
  }
}
