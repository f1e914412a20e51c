package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.cuda.ffi.CudaLayouts;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// A point in the work of a stream, which others can wait for. Used on its device's thread, save
/// that streams of other devices may wait for it.
public final class CudaEvent extends DeviceResource {
  private final long handle;

  private CudaEvent(CudaDevice device, long handle) {
    super(device);
    this.handle = handle;
  }

  /// Makes one; from any thread.
  ///
  /// @param timed whether it keeps the time, which costs a little
  public static CudaEvent create(CudaDevice device, boolean timed) {
    return device.call(
        () -> {
          MemorySegment out = device.out();
          int flags = timed ? CudaLayouts.EVENT_DEFAULT : CudaLayouts.EVENT_DISABLE_TIMING;
          int result = device.driver().eventCreate(out, flags);
          if (result != 0) {
            throw device.failure(result, "cuEventCreate", "flags", flags);
          }
          return device.opened(new CudaEvent(device, out.get(ValueLayout.JAVA_LONG, 0)));
        });
  }

  long handle() {
    return handle;
  }

  /// Stands behind what `stream` has been given so far.
  public void record(CudaStream stream) {
    device.enter();
    device.check(device.driver().eventRecord(handle, stream.handle()), "cuEventRecord");
  }

  /// Waits, on the host, until the work before it is done; at once where it was never recorded.
  public void await() {
    device.enter();
    device.check(device.driver().eventSynchronize(handle), "cuEventSynchronize");
  }

  /// Whether the work before it is done, or it was never recorded.
  public boolean isDone() {
    device.enter();
    int result = device.driver().eventQuery(handle);
    if (result == CudaError.NOT_READY.code()) {
      return false;
    }
    device.check(result, "cuEventQuery");
    return true;
  }

  /// Milliseconds from `start` to this one, both timed and done.
  public double millisecondsSince(CudaEvent start) {
    device.enter();
    MemorySegment out = device.out();
    device.check(device.driver().eventElapsedTime(out, start.handle, handle), "cuEventElapsedTime");
    return out.get(ValueLayout.JAVA_FLOAT, 0);
  }

  @Override
  int release() {
    return device.driver().eventDestroy(handle);
  }

  @Override
  String releasing() {
    return "cuEventDestroy_v2";
  }
}
