package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.cuda.ffi.CudaDriver;
import io.sparkllama4.backend.cuda.ffi.NativeLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// The driver that runs kernels on the processor, and what tests may set and ask of it.
///
/// One for the process: whoever takes it begins anew, and leaves no context open.
final class EmulatedDriver {
  /// In which order the emulator runs what may run in several.
  enum Schedule {
    IN_ORDER(0),
    RANDOM(1),
    WARP_GREEDY(2);

    private final int number;

    Schedule(int number) {
      this.number = number;
    }
  }

  private static final Path LIBRARY = Path.of("target", "cuda-emulator", "libcuda-emulated.so");

  /// Kernels that are part of the emulator: what the image holds does not matter.
  static final KernelImages IMAGES =
      (major, minor) ->
          String.format(Locale.ROOT, "emulated %d.%d", major, minor)
              .getBytes(StandardCharsets.US_ASCII);

  private final NativeLibrary library;

  private EmulatedDriver(NativeLibrary library) {
    this.library = library;
  }

  /// The emulator with its settings as they are at the beginning, and nothing open.
  static EmulatedDriver fresh() {
    if (!Files.exists(LIBRARY)) {
      throw new IllegalStateException(
          LIBRARY.toAbsolutePath()
              + " is missing: src/test/cuda-emulator/build.sh target/cuda-emulator makes it");
    }
    EmulatedDriver emulated =
        new EmulatedDriver(NativeLibrary.open(LIBRARY.toAbsolutePath().toString()));
    emulated.reset();
    return emulated;
  }

  /// Where a finder finds it.
  static NativeLibrary.Sources sources() {
    return new NativeLibrary.Sources(
        "spark.llama4.test.none", "NO_SUCH_VARIABLE", List.of(LIBRARY.toAbsolutePath().toString()));
  }

  /// The driver, initialised.
  CudaDriver driver() {
    CudaDriver driver = new CudaDriver(library);
    int result = driver.init(0);
    if (result != 0) {
      throw new IllegalStateException("cuInit gave " + result);
    }
    return driver;
  }

  void reset() {
    set("emu_reset");
  }

  void devices(int count) {
    set("emu_devices", count);
  }

  /// Bytes of every device.
  void memory(long bytes) {
    set("emu_memory", bytes);
  }

  void schedule(Schedule schedule, long seed) {
    set("emu_schedule", schedule.number, seed);
  }

  /// 90 for 9.0.
  void computeCapability(int capability) {
    set("emu_compute_capability", capability);
  }

  void nullKernels(boolean on) {
    set("emu_null_kernels", on ? 1 : 0);
  }

  /// Refuses copies from and to memory that is not pinned.
  void strict(boolean on) {
    set("emu_strict", on ? 1 : 0);
  }

  /// Lets the `nth` call from now on fail.
  void fail(String entry, long nth, CudaError error) {
    try (Arena arena = Arena.ofConfined()) {
      handle("emu_fail", null, ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT)
          .invokeWithArguments(arena.allocateFrom(entry), (int) nth, error.code());
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /// Calls of an entry point since the beginning.
  long calls(String entry) {
    try (Arena arena = Arena.ofConfined()) {
      return (long)
          handle("emu_calls", ValueLayout.JAVA_LONG, ValueLayout.ADDRESS)
              .invokeExact(arena.allocateFrom(entry));
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /// Everything that lives: memory of devices, pinned memory, streams, events, modules, graphs.
  long allocations() {
    return count("emu_allocations");
  }

  /// What contexts still owned when they ended.
  long leaked() {
    return count("emu_leaked");
  }

  /// What the emulator found wrong last; empty where nothing was.
  @SuppressWarnings("restricted") // The text ends itself.
  String lastReport() {
    try {
      return ((MemorySegment) handle("emu_last_report", ValueLayout.ADDRESS).invokeExact())
          .reinterpret(1 << 16)
          .getString(0);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  private long count(String function) {
    try {
      return (long) handle(function, ValueLayout.JAVA_LONG).invokeExact();
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  private void set(String function, Number... values) {
    MemoryLayout[] layouts = new MemoryLayout[values.length];
    for (int i = 0; i < values.length; i++) {
      layouts[i] = values[i] instanceof Long ? ValueLayout.JAVA_LONG : ValueLayout.JAVA_INT;
    }
    try {
      handle(function, null, layouts).invokeWithArguments((Object[]) values);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @SuppressWarnings("restricted") // So is every call of native code.
  private MethodHandle handle(
      String function, @Nullable MemoryLayout result, MemoryLayout... arguments) {
    return Linker.nativeLinker()
        .downcallHandle(
            library.find(function).orElseThrow(),
            result == null
                ? FunctionDescriptor.ofVoid(arguments)
                : FunctionDescriptor.of(result, arguments));
  }
}
