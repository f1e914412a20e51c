package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.cuda.ffi.CudaLayouts;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Work that the device does in the order in which it is given, beside what other streams hold.
/// Used on its device's thread.
public final class CudaStream extends DeviceResource {
  private final long handle;
  private boolean capturing;

  private CudaStream(CudaDevice device, long handle) {
    super(device);
    this.handle = handle;
  }

  /// Makes one; from any thread.
  public static CudaStream create(CudaDevice device) {
    return device.call(
        () -> {
          MemorySegment out = device.out();
          int flags = CudaLayouts.STREAM_NON_BLOCKING;
          int result = device.driver().streamCreate(out, flags);
          if (result != 0) {
            throw device.failure(result, "cuStreamCreate", "flags", flags);
          }
          return device.opened(new CudaStream(device, out.get(ValueLayout.JAVA_LONG, 0)));
        });
  }

  /// The device that works on it.
  public CudaDevice device() {
    return device;
  }

  long handle() {
    return handle;
  }

  /// Copies pinned memory to the device. It is read later: nobody may change it before then.
  ///
  /// @param target on the device
  public void copyToDevice(MemorySegment source, long target, long bytes) {
    device.enter();
    requireSize(source, bytes);
    int result = device.driver().memcpyToDevice(target, source, bytes, handle);
    if (result != 0) {
      throw device.failure(result, "cuMemcpyHtoDAsync_v2", "bytes", bytes);
    }
  }

  /// Copies from the device to pinned memory. It is written later: nobody may read it before then.
  ///
  /// @param source on the device
  public void copyToHost(long source, MemorySegment target, long bytes) {
    device.enter();
    requireSize(target, bytes);
    int result = device.driver().memcpyToHost(target, source, bytes, handle);
    if (result != 0) {
      throw device.failure(result, "cuMemcpyDtoHAsync_v2", "bytes", bytes);
    }
  }

  private static void requireSize(MemorySegment host, long bytes) {
    if (bytes < 0 || bytes > host.byteSize()) {
      throw new IllegalArgumentException(
          "Cannot copy [" + bytes + "] bytes of a segment of [" + host.byteSize() + "]");
    }
  }

  /// Copies on the device.
  public void copy(long source, long target, long bytes) {
    device.enter();
    int result = device.driver().memcpyOnDevice(target, source, bytes, handle);
    if (result != 0) {
      throw device.failure(result, "cuMemcpyDtoDAsync_v2", "bytes", bytes);
    }
  }

  /// Copies memory of another device to this stream's; through the host where the devices have no
  /// direct access.
  public void copyFrom(CudaDevice from, long source, long target, long bytes) {
    device.enter();
    int result =
        device.driver().memcpyPeer(target, device.context(), source, from.context(), bytes, handle);
    if (result != 0) {
      throw device.failure(
          result, "cuMemcpyPeerAsync", "from", from.info().ordinal(), "bytes", bytes);
    }
  }

  /// Copies memory of this stream's device to another's; through the host where the devices have no
  /// direct access.
  public void copyTo(CudaDevice to, long source, long target, long bytes) {
    device.enter();
    int result =
        device.driver().memcpyPeer(target, to.context(), source, device.context(), bytes, handle);
    if (result != 0) {
      throw device.failure(result, "cuMemcpyPeerAsync", "to", to.info().ordinal(), "bytes", bytes);
    }
  }

  /// Sets every byte.
  public void fill(long target, byte value, long bytes) {
    device.enter();
    int result = device.driver().memset(target, value, bytes, handle);
    if (result != 0) {
      throw device.failure(result, "cuMemsetD8Async", "bytes", bytes);
    }
  }

  /// Lets what comes next on this stream wait for `event`, which may be another device's.
  public void await(CudaEvent event) {
    device.enter();
    device.check(device.driver().streamWaitEvent(handle, event.handle(), 0), "cuStreamWaitEvent");
  }

  /// Waits, on the host, until everything on this stream is done. What kernels did wrong shows
  /// here.
  public void synchronize() {
    device.enter();
    device.check(device.driver().streamSynchronize(handle), "cuStreamSynchronize");
  }

  /// Whether everything on this stream is done.
  public boolean isIdle() {
    device.enter();
    int result = device.driver().streamQuery(handle);
    if (result == CudaError.NOT_READY.code()) {
      return false;
    }
    device.check(result, "cuStreamQuery");
    return true;
  }

  /// Whether what this stream is given is recorded instead of done.
  boolean isCapturing() {
    return capturing;
  }

  void beginCapture() {
    device.enter();
    device.check(
        device.driver().streamBeginCapture(handle, CudaLayouts.CAPTURE_THREAD_LOCAL),
        "cuStreamBeginCapture_v2");
    capturing = true;
  }

  /// Ends the recording, and gives the recorded graph: 0 where the recording had become invalid.
  long endCapture() {
    capturing = false;
    MemorySegment out = device.out();
    out.set(ValueLayout.JAVA_LONG, 0, 0);
    device.check(device.driver().streamEndCapture(handle, out), "cuStreamEndCapture");
    return out.get(ValueLayout.JAVA_LONG, 0);
  }

  @Override
  int release() {
    return device.driver().streamDestroy(handle);
  }

  @Override
  String releasing() {
    return "cuStreamDestroy_v2";
  }
}
