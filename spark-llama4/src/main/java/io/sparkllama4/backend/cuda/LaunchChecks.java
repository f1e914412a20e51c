package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.check.Finding;
import io.sparkllama4.backend.cuda.ffi.CudaLayouts;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// What the driver promises about kernels, graphs and memory, and what the backend relies on. Each
/// check runs on the device's thread; none asks for what would end the context.
final class LaunchChecks {
  /// Dynamic shared memory that must be allowed by name.
  private static final int MUCH_SHARED = 60_000;

  /// What an allocation may take besides.
  private static final long SLACK = 32L << 20;

  private LaunchChecks() {}

  private static Finding wrong(long wrong, String what) {
    return Finding.that(wrong == 0, what + ", " + wrong + " floats are wrong");
  }

  /// Every kernel can be loaded, as the compiler made it.
  static Finding modules(CheckedDevice on, boolean isEmulated) {
    DeviceInfo info = on.device().info();
    KernelTarget target = KernelTarget.of(info.major(), info.minor()).orElseThrow();
    List<String> others = new ArrayList<>();
    KernelSet kernels = on.loaded();
    for (String kernel : kernels.all()) {
      CudaFunction function = kernels.of(kernel).function();
      KernelFigures figures = kernels.figures(kernel);
      if (function.attribute(CudaLayouts.FUNCTION_MOST_THREADS) < figures.threads()) {
        others.add(kernel + " allows fewer threads than " + figures.threads());
      }
      // The emulator has no registers, and PTX gets those that the driver chooses.
      boolean isKnown = target.isMachineCode() && !isEmulated;
      if (isKnown && function.registers() != figures.registers()) {
        others.add(
            kernel + " has " + function.registers() + " registers, not " + figures.registers());
      }
    }
    int count = kernels.all().size();
    return Finding.that(
            others.isEmpty() && count > 0,
            count
                + " kernels for "
                + target.architecture()
                + (others.isEmpty() ? "" : ": " + others))
        .with("kernels", count);
  }

  /// A recording does nothing while it is made; played, it does everything with what stands in
  /// memory then.
  static Finding graphs(CheckedDevice on) {
    DeviceMemory addend = on.floats(1);
    DeviceMemory target = on.floats(1000);
    Launch launch = on.adding();
    // The first launch asks the driver about its arguments, which no recording should.
    on.add(launch, addend.address(), target, 0);
    try (CudaGraph graph =
        CudaGraph.capture(
            on.stream(),
            () -> {
              on.add(launch, addend.address(), target, 0);
              on.add(launch, addend.address(), target, 0);
            })) {
      long wrong = on.wrongFloats(target, 1001);
      for (int i = 0; i < 3; i++) {
        graph.launch(on.stream());
      }
      wrong += on.wrongFloats(target, 1007);
      on.set(addend, 5);
      graph.launch(on.stream());
      wrong += on.wrongFloats(target, 1017);
      return wrong(wrong, "recorded once, played four times");
    }
  }

  /// A recording that fails leaves the stream as it was.
  static Finding failedRecording(CheckedDevice on) {
    DeviceMemory addend = on.floats(1);
    DeviceMemory target = on.floats(0);
    try (CudaGraph _ = CudaGraph.capture(on.stream(), () -> on.set(addend, 2))) {
      return Finding.failed("an upload was recorded");
    } catch (IllegalStateException e) {
      on.add(on.adding(), addend.address(), target, 0);
      return wrong(on.wrongFloats(target, 1), "refused, \"" + e.getMessage() + "\", and no harm");
    }
  }

  /// The driver knows the parameters of kernels, and launches are compared with them.
  static Finding arguments(CheckedDevice on) {
    if (!on.device().driver().hasParamInfo()) {
      return Finding.skipped(
          "the driver has no cuFuncGetParamInfo: launches are compared among themselves alone;"
              + " drivers of CUDA 12.4 and newer have it");
    }
    DeviceMemory memory = on.floats(1);
    Launch launch = new Launch(on.adding().function());
    List<String> refusals = new ArrayList<>();
    for (int form = 0; form < 2; form++) {
      launch.begin().pointer(memory.address()).pointer(memory.address());
      try {
        (form == 0 ? launch.integer(1) : launch).run(on.stream(), 1, 1, 1, 256, 0);
        return Finding.failed("a launch with wrong arguments was accepted");
      } catch (IllegalArgumentException e) {
        refusals.add(e.getMessage());
      }
    }
    on.add(launch, memory.address(), memory, 0);
    return wrong(on.wrongFloats(memory, 2), "refused: " + refusals);
  }

  /// What no device can launch is an error of this call, and of no other.
  static Finding limits(CheckedDevice on) {
    DeviceMemory addend = on.floats(1);
    DeviceMemory target = on.floats(0);
    Launch launch = on.adding();
    launch.begin().pointer(addend.address()).pointer(target.address()).number(1);
    try {
      launch.run(on.stream(), 1, 70_000, 1, 256, 0);
      return Finding.failed("a grid of 70,000 blocks along y was accepted");
    } catch (CudaException e) {
      if (e.error() != CudaError.INVALID_VALUE || e.isFatal()) {
        return Finding.failed("a grid that is too large is " + e.getMessage());
      }
    }
    on.add(launch, addend.address(), target, 0);
    return wrong(on.wrongFloats(target, 1), "CUDA_ERROR_INVALID_VALUE, and the next launch works");
  }

  /// More than 48 KiB of dynamic shared memory must be allowed by name, and can be.
  static Finding sharedMemory(CheckedDevice on) {
    DeviceMemory addend = on.floats(1);
    DeviceMemory target = on.floats(0);
    KernelSet fresh = on.kernels();
    try {
      Launch launch = fresh.of("add_in_place");
      int result = launchUnasked(on, launch.function(), addend, target);
      if (CudaError.of(result) != CudaError.INVALID_VALUE) {
        return Finding.failed(
            MUCH_SHARED + " bytes without being allowed gave " + CudaError.of(result));
      }
      on.add(launch, addend.address(), target, MUCH_SHARED);
      long wrong = on.wrongFloats(target, 1);
      int most = on.device().mostSharedBytes();
      try {
        launch.function().allowShared(most + 1);
        return Finding.failed("more than the device has was allowed: " + (most + 1));
      } catch (CudaException e) {
        if (e.error() != CudaError.INVALID_VALUE || e.isFatal()) {
          return Finding.failed("more than the device has is " + e.getMessage());
        }
      }
      return wrong(wrong, MUCH_SHARED + " bytes when they are allowed, at most " + most)
          .with("most_shared_bytes", most);
    } finally {
      fresh.close();
    }
  }

  /// Past the launches of this package, which ask before.
  private static int launchUnasked(
      CheckedDevice on, CudaFunction function, DeviceMemory addend, DeviceMemory target) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment values = arena.allocate(ValueLayout.JAVA_LONG, 3);
      MemorySegment pointers = arena.allocate(ValueLayout.JAVA_LONG, 3);
      long[] arguments = {addend.address(), target.address(), CheckedDevice.ELEMENTS};
      for (int i = 0; i < arguments.length; i++) {
        values.setAtIndex(ValueLayout.JAVA_LONG, i, arguments[i]);
        pointers.setAtIndex(ValueLayout.JAVA_LONG, i, values.address() + (long) Long.BYTES * i);
      }
      int result =
          on.device()
              .driver()
              .launchKernel(
                  function.handle(), 1, 1, 1, 256, MUCH_SHARED, on.stream().handle(), pointers);
      on.stream().synchronize();
      return result;
    }
  }

  /// Kernels read pinned memory of the host.
  static Finding mapped(CheckedDevice on) {
    PinnedMemory host = on.pinned((long) Float.BYTES * CheckedDevice.ELEMENTS);
    for (int i = 0; i < CheckedDevice.ELEMENTS; i++) {
      host.segment().setAtIndex(ValueLayout.JAVA_FLOAT, i, 3);
    }
    DeviceMemory target = on.floats(4);
    on.add(on.adding(), host.deviceAddress(), target, 0);
    return wrong(on.wrongFloats(target, 7), "a kernel has read the host's memory");
  }

  /// No room is an error of one call, and of no other.
  static Finding outOfMemory(CheckedDevice on) {
    long tooMuch = on.device().info().totalBytes() + (1L << 30);
    try {
      on.memory(tooMuch);
      return Finding.failed("more than the whole memory was allocated: " + tooMuch + " bytes");
    } catch (CudaException e) {
      if (e.error() != CudaError.OUT_OF_MEMORY || e.isFatal()) {
        return Finding.failed("no room for " + tooMuch + " bytes is " + e.getMessage());
      }
      DeviceMemory addend = on.floats(1);
      DeviceMemory target = on.floats(1);
      on.add(on.adding(), addend.address(), target, 0);
      return wrong(on.wrongFloats(target, 2), "CUDA_ERROR_OUT_OF_MEMORY, and the next one fits");
    }
  }

  /// Memory that is given back can be taken again.
  static Finding givenBack(CheckedDevice on) {
    long before = on.device().freeBytes();
    long bytes = Math.min(before / 2, 1L << 30);
    long during;
    try (DeviceMemory memory = DeviceMemory.allocate(on.device(), bytes)) {
      on.stream().fill(memory.address(), (byte) 1, bytes);
      on.stream().synchronize();
      during = on.device().freeBytes();
    }
    long after = on.device().freeBytes();
    String text =
        String.format(
            Locale.ROOT,
            "%,d bytes free, %,d while %,d were taken, %,d afterwards",
            before,
            during,
            bytes,
            after);
    return Finding.that(during <= before - bytes + SLACK && after >= before - SLACK, text)
        .with("free_bytes", (double) after);
  }
}
