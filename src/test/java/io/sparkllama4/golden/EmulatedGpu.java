package io.sparkllama4.golden;

import io.sparkllama4.backend.cuda.ffi.NativeLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// The emulated driver as the CUDA backend finds it, with its settings as they are at the
/// beginning. One for the process: whoever takes it leaves nothing open.
public final class EmulatedGpu {
  private static final String PROPERTY = "spark.llama4.cuda.library";

  /// Its schedules: in order, random, warp-greedy.
  public static final int SCHEDULES = 3;

  private final NativeLibrary library;

  private EmulatedGpu(NativeLibrary library) {
    this.library = library;
  }

  /// Where its library lies.
  public static Path library() {
    return Path.of(
        System.getProperty("sparkllama4.root"),
        "spark-llama4/target/cuda-emulator/libcuda-emulated.so");
  }

  /// The emulator as the only driver that the backend finds.
  ///
  /// @param devices that it shows
  /// @param schedule one of [#SCHEDULES], from 0 on
  public static EmulatedGpu fresh(int devices, int schedule) {
    System.setProperty(PROPERTY, library().toString());
    NativeLibrary library = NativeLibrary.open(library().toString());
    if (!library.isPresent()) {
      throw new IllegalStateException("No emulated driver: " + library.reason());
    }
    EmulatedGpu emulated = new EmulatedGpu(library);
    emulated.call("emu_reset");
    emulated.call("emu_devices", devices);
    emulated.call("emu_schedule", schedule, 11L);
    emulated.call("emu_strict", 1);
    return emulated;
  }

  /// The emulator that this process uses already, as it is.
  public static EmulatedGpu running() {
    return new EmulatedGpu(NativeLibrary.open(System.getProperty(PROPERTY)));
  }

  /// Lets kernels count and do nothing.
  public void nullKernels() {
    call("emu_null_kernels", 1);
  }

  /// Lets the `nth` call of an entry point from now on fail with `error`, a number of CUDA's.
  public void fail(String entry, long nth, int error) {
    try (Arena arena = Arena.ofConfined()) {
      handle(
              "emu_fail",
              ValueLayout.JAVA_INT,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT)
          .invokeWithArguments(arena.allocateFrom(entry), Math.toIntExact(nth), error);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /// Calls of an entry point since the beginning.
  public long calls(String entry) {
    try (Arena arena = Arena.ofConfined()) {
      return (long)
          handle("emu_calls", ValueLayout.JAVA_LONG, ValueLayout.ADDRESS)
              .invokeExact(arena.allocateFrom(entry));
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /// Everything that lives on its devices: memory, streams, events, modules, graphs.
  public long allocations() {
    try {
      return (long) handle("emu_allocations", ValueLayout.JAVA_LONG).invokeExact();
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /// Lets backends look for a driver as before.
  public static void forget() {
    System.clearProperty(PROPERTY);
  }

  private void call(String function, Number... values) {
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
