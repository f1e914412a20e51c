package io.sparkllama4.backend.cuda;

/// What a call of the driver may return instead of success, as far as it tells users something.
///
/// Sticky errors end the context: every later call on the device returns the same error, and only
/// a new process can use the device again.
public enum CudaError {
  INVALID_VALUE(1, false, ""),
  OUT_OF_MEMORY(2, false, Advice.MEMORY),
  NOT_INITIALIZED(3, false, ""),
  DEINITIALIZED(4, false, ""),
  STUB_LIBRARY(
      34,
      false,
      "the library is the toolkit's stub for linking, the driver installs the real one: take its directory out of the library path"),
  DEVICE_UNAVAILABLE(
      46,
      false,
      "another process has the device for itself: `nvidia-smi` shows which, and its compute mode"),
  NO_DEVICE(
      100,
      false,
      "CUDA_VISIBLE_DEVICES may hide all devices; `nvidia-smi` lists them; a container needs them passed in"),
  INVALID_DEVICE(101, false, ""),
  INVALID_IMAGE(200, false, Advice.IMAGE),
  INVALID_CONTEXT(201, false, ""),
  MAP_FAILED(205, false, ""),
  NO_BINARY_FOR_GPU(209, false, Advice.IMAGE),
  ECC_UNCORRECTABLE(214, true, Advice.HARDWARE),
  PEER_ACCESS_UNSUPPORTED(217, false, ""),
  INVALID_PTX(218, false, Advice.IMAGE),
  NVLINK_UNCORRECTABLE(220, true, Advice.HARDWARE),
  JIT_COMPILER_NOT_FOUND(221, false, Advice.IMAGE),
  UNSUPPORTED_PTX_VERSION(222, false, Advice.IMAGE),
  JIT_COMPILATION_DISABLED(
      223, false, "the environment variable CUDA_DISABLE_PTX_JIT must not be set on this device"),
  CONTAINED(226, true, Advice.HARDWARE),
  SHARED_OBJECT_SYMBOL_NOT_FOUND(302, false, ""),
  SHARED_OBJECT_INIT_FAILED(303, false, ""),
  OPERATING_SYSTEM(304, false, "the kernel's log (`dmesg`) says what the driver met"),
  INVALID_HANDLE(400, false, ""),
  ILLEGAL_STATE(401, false, ""),
  NOT_FOUND(500, false, ""),
  NOT_READY(600, false, ""),
  ILLEGAL_ADDRESS(700, true, Advice.BUG),
  LAUNCH_OUT_OF_RESOURCES(701, false, ""),
  LAUNCH_TIMEOUT(
      702, true, "the device also drives a display, which ends long kernels: use another device"),
  PEER_ACCESS_ALREADY_ENABLED(704, false, ""),
  PEER_ACCESS_NOT_ENABLED(705, false, ""),
  CONTEXT_IS_DESTROYED(709, true, ""),
  ASSERT(710, true, Advice.BUG),
  TOO_MANY_PEERS(711, false, ""),
  HARDWARE_STACK_ERROR(714, true, Advice.BUG),
  ILLEGAL_INSTRUCTION(715, true, Advice.BUG),
  MISALIGNED_ADDRESS(716, true, Advice.BUG),
  INVALID_ADDRESS_SPACE(717, true, Advice.BUG),
  INVALID_PC(718, true, Advice.BUG),
  LAUNCH_FAILED(719, true, Advice.BUG),
  NOT_PERMITTED(800, false, ""),
  NOT_SUPPORTED(801, false, ""),
  SYSTEM_NOT_READY(802, false, "devices joined by NVSwitch need the service nvidia-fabricmanager"),
  SYSTEM_DRIVER_MISMATCH(
      803,
      false,
      "the library is of another version than the loaded kernel module: restart the host after a driver update"),
  COMPAT_NOT_SUPPORTED_ON_DEVICE(
      804,
      false,
      "the forward compatibility package is for data centre devices alone: take it out of the library path"),
  STREAM_CAPTURE_UNSUPPORTED(900, false, ""),
  STREAM_CAPTURE_INVALIDATED(901, false, ""),
  STREAM_CAPTURE_MERGE(902, false, ""),
  STREAM_CAPTURE_UNMATCHED(903, false, ""),
  STREAM_CAPTURE_UNJOINED(904, false, ""),
  STREAM_CAPTURE_ISOLATION(905, false, ""),
  STREAM_CAPTURE_IMPLICIT(906, false, ""),
  CAPTURED_EVENT(907, false, ""),
  STREAM_CAPTURE_WRONG_THREAD(908, false, ""),
  TIMEOUT(909, false, ""),
  EXTERNAL_DEVICE(911, true, Advice.HARDWARE),
  UNKNOWN(
      999,
      true,
      "restart the process; where it comes back, the kernel's log (`dmesg`) names the cause as an Xid");

  /// Advice that several errors share.
  private static final class Advice {
    static final String BUG =
        "the process must end; CUDA_LAUNCH_BLOCKING=1 makes the failing launch itself report it, and"
            + " the kernel's log (`dmesg`) has an Xid";

    static final String HARDWARE =
        "the process must end; the kernel's log (`dmesg`) has an Xid that tells what the device met";

    static final String IMAGE =
        "the kernels of this build do not suit the device and its driver: a newer driver helps where"
            + " the device is newer than the build";

    static final String MEMORY =
        "fewer other processes on the device, a smaller KV cache or smaller weights";
  }

  private final int code;
  private final boolean sticky;
  private final String advice;

  CudaError(int code, boolean sticky, String advice) {
    this.code = code;
    this.sticky = sticky;
    this.advice = advice;
  }

  /// The error with the number `result`; [#UNKNOWN] where this class has none.
  public static CudaError of(int result) {
    for (CudaError error : values()) {
      if (error.code == result) {
        return error;
      }
    }
    return UNKNOWN;
  }

  /// Its number in `cuda.h`.
  public int code() {
    return code;
  }

  /// Its name in `cuda.h`.
  public String symbol() {
    return "CUDA_ERROR_" + name();
  }

  /// Whether it ends the context. What nobody knows is taken for an end: going on could give wrong
  /// answers.
  public boolean isSticky() {
    return sticky;
  }

  /// What helps, empty where that depends on the call.
  public String advice() {
    return advice;
  }
}
