package io.sparkllama4.benchmarks.host;

import io.sparkllama4.backend.cuda.ffi.NativeLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/// The emulated driver's own account of its calls, and the switch that lets its kernels do nothing.
final class DriverTime implements AutoCloseable {
  private final Arena arena = Arena.ofShared();
  private final MemorySegment play = arena.allocateFrom("cuGraphLaunch");
  private final MemorySegment record = arena.allocateFrom("cuStreamBeginCapture_v2");
  private final MethodHandle nullKernels;
  private final MethodHandle nanos;
  private final MethodHandle calls;

  private DriverTime(MethodHandle nullKernels, MethodHandle nanos, MethodHandle calls) {
    this.nullKernels = nullKernels;
    this.nanos = nanos;
    this.calls = calls;
  }

  /// That of the emulated driver in a file, which begins anew; it has no open context.
  ///
  /// @param memory bytes of its device, of which it takes only what is written
  /// @throws IllegalStateException where the file is no emulated driver
  static DriverTime of(Path file, long memory) {
    NativeLibrary library = NativeLibrary.open(file.toString());
    if (!library.isPresent()) {
      throw new IllegalStateException("No emulated driver: " + library.reason());
    }
    MethodHandle reset = handle(library, "emu_reset", FunctionDescriptor.ofVoid());
    MethodHandle size =
        handle(library, "emu_memory", FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG));
    try {
      reset.invokeExact();
      size.invokeExact(memory);
    } catch (Throwable e) {
      throw uncallable(e);
    }
    return new DriverTime(
        handle(library, "emu_null_kernels", FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT)),
        handle(library, "emu_driver_nanos", FunctionDescriptor.of(ValueLayout.JAVA_LONG)),
        handle(
            library,
            "emu_calls",
            FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.ADDRESS)));
  }

  /// Lets kernels do nothing from now on: results are what stands in memory.
  void stopComputing() {
    try {
      nullKernels.invokeExact(1);
    } catch (Throwable e) {
      throw uncallable(e);
    }
  }

  /// Nanoseconds that calls of all threads have taken so far.
  long nanos() {
    try {
      return (long) nanos.invokeExact();
    } catch (Throwable e) {
      throw uncallable(e);
    }
  }

  /// Recordings that have been played so far.
  long played() {
    return calls(play);
  }

  /// Recordings that have been made so far.
  long recorded() {
    return calls(record);
  }

  private long calls(MemorySegment entry) {
    try {
      return (long) calls.invokeExact(entry);
    } catch (Throwable e) {
      throw uncallable(e);
    }
  }

  @Override
  public void close() {
    arena.close();
  }

  private static IllegalStateException uncallable(Throwable failure) {
    return new IllegalStateException("The emulated driver could not be called", failure);
  }

  @SuppressWarnings("restricted") // So is every call of native code.
  private static MethodHandle handle(
      NativeLibrary library, String function, FunctionDescriptor shape) {
    MemorySegment address =
        library
            .find(function)
            .orElseThrow(
                () ->
                    new IllegalStateException(
                        library.origin() + " is no emulated driver: it has no " + function));
    return Linker.nativeLinker().downcallHandle(address, shape);
  }
}
