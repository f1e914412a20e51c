package io.sparkllama4.backend.cuda.ffi;

/// Sizes and constants of the driver's interface, as `cuda.h` has them.
public final class CudaLayouts {
  /// Bytes of a device's identity.
  public static final int UUID_BYTES = 16;

  /// Bytes that hold a device's name.
  public static final int NAME_BYTES = 256;

  /// `CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT`.
  public static final int MULTIPROCESSORS = 16;

  /// `CU_DEVICE_ATTRIBUTE_CLOCK_RATE`, in kHz.
  public static final int CLOCK_RATE = 13;

  /// `CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE`, in kHz.
  public static final int MEMORY_CLOCK_RATE = 36;

  /// `CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH`, in bits.
  public static final int MEMORY_BUS_WIDTH = 37;

  /// `CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE`, in bytes.
  public static final int L2_CACHE_BYTES = 38;

  /// `CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR`.
  public static final int COMPUTE_MAJOR = 75;

  /// `CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR`.
  public static final int COMPUTE_MINOR = 76;

  /// `CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN`, in bytes.
  public static final int MOST_SHARED_BYTES = 97;

  /// `CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK`.
  public static final int FUNCTION_MOST_THREADS = 0;

  /// `CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES`: static shared memory.
  public static final int FUNCTION_SHARED_BYTES = 1;

  /// `CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES`: spilled registers and arrays of a thread.
  public static final int FUNCTION_LOCAL_BYTES = 3;

  /// `CU_FUNC_ATTRIBUTE_NUM_REGS`.
  public static final int FUNCTION_REGISTERS = 4;

  /// `CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES`.
  public static final int FUNCTION_MOST_DYNAMIC_BYTES = 8;

  /// `CU_MEMHOSTALLOC_PORTABLE`: pinned for every context of the process.
  public static final int HOST_PORTABLE = 1;

  /// `CU_MEMHOSTALLOC_DEVICEMAP`: kernels may read it.
  public static final int HOST_MAPPED = 2;

  /// `CU_STREAM_NON_BLOCKING`: the stream does not wait for the default one.
  public static final int STREAM_NON_BLOCKING = 1;

  /// `CU_EVENT_DEFAULT`: with times.
  public static final int EVENT_DEFAULT = 0;

  /// `CU_EVENT_DISABLE_TIMING`.
  public static final int EVENT_DISABLE_TIMING = 2;

  /// `CU_STREAM_CAPTURE_MODE_THREAD_LOCAL`: other threads may allocate meanwhile.
  public static final int CAPTURE_THREAD_LOCAL = 1;

  private CudaLayouts() {}
}
