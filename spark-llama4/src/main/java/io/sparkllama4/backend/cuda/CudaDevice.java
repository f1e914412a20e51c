package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.cuda.ffi.CudaDriver;
import io.sparkllama4.backend.cuda.ffi.CudaLayouts;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// One device of this process: the thread that owns its context, and all that lives on it.
///
/// Any thread may allocate, load and close; launches, copies and whatever else belongs to a step
/// are for the device's own thread, which [#run(Runnable)] and [#call(Supplier)] lead to. The first
/// error that ends the context is kept, and every later call fails with it at once.
public final class CudaDevice implements AutoCloseable {
  private final CudaDriver driver;
  private final DeviceInfo info;
  private final DeviceThread thread;
  private final Arena arena = Arena.ofShared();

  /// Where the driver writes results; used on the device's thread alone.
  private final MemorySegment out = arena.allocate(16, 8);

  /// What is open, in the order of its making; touched on the device's thread alone.
  private final Set<DeviceResource> open = new LinkedHashSet<>();

  private final AtomicLong allocated = new AtomicLong();
  private final AtomicLong pinned = new AtomicLong();
  private volatile @Nullable CudaException failure;
  private int handle;
  private long context;

  private CudaDevice(CudaDriver driver, DeviceInfo info) {
    this.driver = driver;
    this.info = info;
    thread = new DeviceThread("llama4-cuda-" + info.ordinal());
  }

  /// Opens a device of an initialised driver.
  ///
  /// @throws CudaException where the driver refuses; nothing is left open then
  public static CudaDevice open(CudaDriver driver, int ordinal) {
    CudaDevice device = new CudaDevice(driver, DeviceInfo.read(driver, ordinal));
    try {
      device.thread.call(
          () -> {
            device.enterContext();
            return true;
          });
    } catch (RuntimeException | Error e) {
      device.thread.end(device.arena::close);
      throw e;
    }
    return device;
  }

  private void enterContext() {
    check(driver.deviceGet(out, info.ordinal()), "cuDeviceGet");
    handle = out.get(ValueLayout.JAVA_INT, 0);
    check(driver.primaryCtxRetain(out, handle), "cuDevicePrimaryCtxRetain");
    context = out.get(ValueLayout.JAVA_LONG, 0);
    int result = driver.ctxSetCurrent(context);
    if (result != 0) {
      CudaException refused = failure(result, "cuCtxSetCurrent");
      int released = driver.primaryCtxRelease(handle);
      if (released != 0) {
        refused.addSuppressed(failure(released, "cuDevicePrimaryCtxRelease_v2"));
      }
      throw refused;
    }
  }

  /// What the device says of itself.
  public DeviceInfo info() {
    return info;
  }

  /// Bytes of device memory that were allocated and not given back.
  public long allocatedBytes() {
    return allocated.get();
  }

  /// Bytes of pinned host memory that were allocated and not given back.
  public long pinnedBytes() {
    return pinned.get();
  }

  /// Bytes of device memory that are free, as the driver counts them.
  public long freeBytes() {
    return call(
        () -> {
          check(driver.memGetInfo(out, out.asSlice(8)), "cuMemGetInfo_v2");
          return out.get(ValueLayout.JAVA_LONG, 0);
        });
  }

  /// An attribute of the device, one of those in [CudaLayouts].
  public int attribute(int attribute) {
    return call(
        () -> {
          int result = driver.deviceGetAttribute(out, attribute, handle);
          if (result != 0) {
            throw failure(result, "cuDeviceGetAttribute", "attribute", attribute);
          }
          return out.get(ValueLayout.JAVA_INT, 0);
        });
  }

  /// Most dynamic shared memory of a block, in bytes.
  public int mostSharedBytes() {
    return attribute(CudaLayouts.MOST_SHARED_BYTES);
  }

  /// The failure that ended the context; empty while the device works.
  public Optional<CudaException> failure() {
    return Optional.ofNullable(failure);
  }

  /// Whether it takes work: it is neither lost nor closed.
  boolean isUsable() {
    return failure == null && !thread.hasEnded();
  }

  /// Runs `body` on the device's thread, and waits; at once where this is that thread.
  ///
  /// @throws CudaException that says so where the device is lost
  public void run(Runnable body) {
    call(
        () -> {
          body.run();
          return true;
        });
  }

  /// Runs `body` on the device's thread, and waits for what it gives.
  ///
  /// @throws CudaException that says so where the device is lost
  public <T> T call(Supplier<T> body) {
    if (thread.isCurrent()) {
      requireAlive();
      return body.get();
    }
    return thread.call(
        () -> {
          requireAlive();
          return body.get();
        });
  }

  private void requireAlive() {
    CudaException first = failure;
    if (first != null) {
      throw CudaException.after(first, where());
    }
    if (thread.hasEnded()) {
      throw new IllegalStateException("CUDA " + where() + " is closed");
    }
  }

  /// Every operation that wants the device's thread begins with this.
  void enter() {
    if (!thread.isCurrent()) {
      throw new IllegalStateException(
          "This belongs on the thread ["
              + thread.name()
              + "], not on ["
              + Thread.currentThread().getName()
              + "]: CudaDevice.run leads there");
    }
    if (failure != null) {
      requireAlive();
    }
  }

  CudaDriver driver() {
    return driver;
  }

  long context() {
    return context;
  }

  /// Memory that lives as long as the device, for launches' arguments.
  Arena arena() {
    return arena;
  }

  /// 16 bytes for results of the driver, on the device's thread.
  MemorySegment out() {
    return out;
  }

  private String where() {
    return "device " + info.ordinal();
  }

  /// Fails where `result` is no success.
  void check(int result, String call) {
    if (result != 0) {
      throw failure(result, call);
    }
  }

  /// What `result` means. The first that ends the context is kept.
  ///
  /// @param arguments names and values in turn
  CudaException failure(int result, String call, Object... arguments) {
    CudaException exception = CudaException.of(driver, result, call, where(), arguments);
    if (exception.isFatal() && failure == null) {
      failure = exception;
    }
    return exception;
  }

  /// Takes a new resource into what is open.
  <R extends DeviceResource> R opened(R resource) {
    open.add(resource);
    return resource;
  }

  void count(long deviceBytes, long pinnedBytes) {
    allocated.addAndGet(deviceBytes);
    pinned.addAndGet(pinnedBytes);
  }

  /// Gives `resource` back; afterwards it is not open, unless the driver refuses: then it stays
  /// with the device, whose end gives it back.
  void release(DeviceResource resource) {
    thread.tryRun(
        () -> {
          if (open.contains(resource)) {
            releaseOpen(resource);
          }
        });
  }

  private void releaseOpen(DeviceResource resource) {
    boolean lost = failure != null;
    int result = resource.release();
    // A lost context refuses everything, and says again what was told before.
    if (result != 0 && !lost) {
      throw failure(result, resource.releasing());
    }
    open.remove(resource);
    resource.released();
  }

  /// Waits until the device has done everything.
  public void synchronize() {
    run(() -> check(driver.ctxSynchronize(), "cuCtxSynchronize"));
  }

  /// Lets kernels and copies of this device reach the memory of `other` directly.
  ///
  /// @return why that is impossible; empty where it works from now on
  public Optional<String> enablePeer(CudaDevice other) {
    return call(
        () -> {
          check(driver.deviceCanAccessPeer(out, handle, other.handle), "cuDeviceCanAccessPeer");
          if (out.get(ValueLayout.JAVA_INT, 0) == 0) {
            return Optional.of(
                "the hardware gives "
                    + info
                    + " no direct access to the memory of "
                    + other.info
                    + "; `nvidia-smi topo -p2p r` shows which devices have it");
          }
          int result = driver.ctxEnablePeerAccess(other.context, 0);
          CudaError error = CudaError.of(result);
          if (result == 0 || error == CudaError.PEER_ACCESS_ALREADY_ENABLED) {
            return Optional.empty();
          }
          CudaException refused =
              failure(result, "cuCtxEnablePeerAccess", "peer", other.info.ordinal());
          if (refused.isFatal()) {
            throw refused;
          }
          return Optional.of(refused.report().message());
        });
  }

  /// Gives everything back, what was made last first, and ends the thread. What the driver refuses
  /// goes with the context. A second time nothing happens.
  ///
  /// @throws CudaException the first refusal, after all the rest has been given back
  @Override
  public void close() {
    thread.end(this::closeHere);
  }

  private void closeHere() {
    Failures failures = new Failures();
    if (failure == null) {
      // Nothing may be taken from under work that is still to be done.
      failures.attempt(() -> check(driver.ctxSynchronize(), "cuCtxSynchronize"));
    }
    for (DeviceResource resource : new ArrayList<>(open).reversed()) {
      failures.attempt(() -> releaseOpen(resource));
    }
    boolean lost = failure != null;
    int result = driver.primaryCtxRelease(handle);
    if (!lost) {
      failures.attempt(() -> check(result, "cuDevicePrimaryCtxRelease_v2"));
    }
    open.forEach(DeviceResource::released);
    open.clear();
    arena.close();
    failures.rethrow();
  }
}
