package io.sparkllama4.backend.cuda;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// A device whose driver is checked, with what most checks need. It is opened by the first check
/// that wants it. Used on its thread, but for opening and closing.
final class CheckedDevice implements AutoCloseable {
  /// What makes a device busy for a while.
  private static final long LARGE_BYTES = 64L << 20;

  /// The same where the processor plays the device.
  private static final long SMALL_BYTES = 64L << 10;

  private static final int RING_SLOTS = 2;
  private static final int RING_BYTES = 4096;

  /// Floats of the memory that kernels compute with.
  static final int ELEMENTS = 3000;

  private final CudaDevice device;
  private final CudaStream stream;
  private final PinnedRing ring;
  private final KernelSet kernels;
  private final long workBytes;
  private final List<DeviceResource> owned = new ArrayList<>();

  /// Opens `device`, which is closed with this, or here where it fails.
  CheckedDevice(CudaDevice device, boolean isEmulated) {
    this.device = device;
    try {
      stream = CudaStream.create(device);
      ring = new PinnedRing(stream, RING_SLOTS, RING_BYTES);
      kernels = kernels();
    } catch (RuntimeException | Error e) {
      new Failures(e).attempt(device::close);
      throw e;
    }
    workBytes = isEmulated ? SMALL_BYTES : LARGE_BYTES;
  }

  /// Kernels in modules of their own: what others were allowed does not hold for them.
  KernelSet kernels() {
    DeviceInfo info = device.info();
    KernelTarget target = KernelTarget.of(info.major(), info.minor()).orElseThrow();
    return new KernelSet(device, KernelArchive.open(), target);
  }

  CudaDevice device() {
    return device;
  }

  CudaStream stream() {
    return stream;
  }

  PinnedRing ring() {
    return ring;
  }

  KernelSet loaded() {
    return kernels;
  }

  /// Bytes that take the device a while to fill.
  long workBytes() {
    return workBytes;
  }

  DeviceMemory memory(long bytes) {
    DeviceMemory made = DeviceMemory.allocate(device, bytes);
    owned.add(made);
    return made;
  }

  PinnedMemory pinned(long bytes) {
    PinnedMemory made = PinnedMemory.allocate(device, bytes);
    owned.add(made);
    return made;
  }

  CudaEvent event(boolean timed) {
    CudaEvent made = CudaEvent.create(device, timed);
    owned.add(made);
    return made;
  }

  CudaStream another() {
    CudaStream made = CudaStream.create(device);
    owned.add(made);
    return made;
  }

  /// Floats on the device, all the same.
  DeviceMemory floats(float value) {
    DeviceMemory made = memory((long) Float.BYTES * ELEMENTS);
    set(made, value);
    return made;
  }

  void set(DeviceMemory memory, float value) {
    float[] values = new float[ELEMENTS];
    Arrays.fill(values, value);
    ring.upload(MemorySegment.ofArray(values), memory.address(), (long) Float.BYTES * ELEMENTS);
  }

  /// Launches `target += addend` with the kernel as `launch` has it.
  void add(Launch launch, long addend, DeviceMemory target, int sharedBytes) {
    launch.begin().pointer(addend).pointer(target.address()).number(ELEMENTS);
    launch.run(stream, 2, 1, 1, 256, sharedBytes);
  }

  Launch adding() {
    return kernels.of("add_in_place");
  }

  /// How many of the floats that stand in `memory` are not `expected`.
  long wrongFloats(DeviceMemory memory, float expected) {
    try (Readback readback = new Readback(stream, memory.bytes())) {
      float[] found =
          readback
              .read(memory.address(), (long) Float.BYTES * ELEMENTS)
              .toArray(ValueLayout.JAVA_FLOAT);
      long wrong = 0;
      for (float value : found) {
        wrong += value == expected ? 0 : 1;
      }
      return wrong;
    }
  }

  /// How many bytes from `address` on are not `expected`, when `reader` comes to it.
  long wrongBytes(CudaStream reader, long address, long bytes, int expected) {
    try (Readback readback = new Readback(reader, bytes)) {
      return wrongBytes(readback.read(address, bytes), expected);
    }
  }

  static long wrongBytes(MemorySegment memory, int expected) {
    long wrong = 0;
    for (long i = 0; i < memory.byteSize(); i++) {
      wrong += memory.get(ValueLayout.JAVA_BYTE, i) == (byte) expected ? 0 : 1;
    }
    return wrong;
  }

  /// Gives back what checks have taken.
  void release() {
    Failures failures = new Failures();
    owned.reversed().forEach(resource -> failures.attempt(resource::close));
    owned.clear();
    failures.rethrow();
  }

  @Override
  public void close() {
    Failures failures = new Failures();
    failures.attempt(this::release);
    failures.attempt(ring::close);
    failures.attempt(() -> device.run(kernels::close));
    failures.attempt(stream::close);
    failures.attempt(device::close);
    failures.rethrow();
  }

  /// Opens one late, once.
  static final class Late implements AutoCloseable {
    private final Supplier<CheckedDevice> opening;
    private @Nullable CheckedDevice opened;

    Late(Supplier<CheckedDevice> opening) {
      this.opening = opening;
    }

    CheckedDevice get() {
      CheckedDevice known = opened;
      if (known == null) {
        known = opening.get();
        opened = known;
      }
      return known;
    }

    /// Why the device is lost, where it is.
    Optional<String> loss() {
      CheckedDevice known = opened;
      return known == null
          ? Optional.empty()
          : known.device().failure().map(failure -> failure.report().message());
    }

    @Override
    public void close() {
      CheckedDevice known = opened;
      if (known != null) {
        known.close();
      }
    }
  }
}
