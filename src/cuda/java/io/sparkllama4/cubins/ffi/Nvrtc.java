package io.sparkllama4.cubins.ffi;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// NVRTC, the run-time compiler for CUDA C++: a library that needs neither a device nor a driver.
/// Its result depends on source, headers and options alone.
public final class Nvrtc implements AutoCloseable {
  private static final String LIBRARY = "libnvrtc.so.12";

  /// NVRTC loads it by this name, and finds it once it is loaded.
  private static final String BUILTINS = "libnvrtc-builtins.so.12.9";

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

  private final Arena arena = Arena.ofConfined();
  private final SymbolLookup library;

  /// What a compilation gave.
  ///
  /// @param log the compiler's words: errors, warnings, figures of kernels
  /// @param image machine code or PTX; empty where the source has errors
  @SuppressWarnings("ArrayRecordComponent") // Plain data; nobody compares it.
  public record Result(String log, byte[] image) {}

  /// The library in `folder`.
  @SuppressWarnings("restricted") // So is every call of native code.
  public Nvrtc(Path folder) throws IOException {
    for (String name : List.of(BUILTINS, LIBRARY)) {
      if (!Files.isRegularFile(folder.resolve(name))) {
        throw new FileNotFoundException(
            "NVRTC's ["
                + name
                + "] is not in ["
                + folder
                + "]: the profile cuda unpacks it there"
                + " (bin/cuda-kernels)");
      }
    }
    SymbolLookup.libraryLookup(folder.resolve(BUILTINS), arena);
    library = SymbolLookup.libraryLookup(folder.resolve(LIBRARY), arena);
  }

  /// Its version, such as "12.9".
  public String version() {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment numbers = call.allocate(INT, 2);
      call("nvrtcVersion", numbers, numbers.asSlice(INT.byteSize()));
      return numbers.getAtIndex(INT, 0) + "." + numbers.getAtIndex(INT, 1);
    }
  }

  /// Compiles `source`.
  ///
  /// @param name what messages call the source
  /// @param headers what it may include, by name
  /// @param machineCode whether the image is machine code, else PTX
  public Result compile(
      String name,
      String source,
      Map<String, String> headers,
      List<String> options,
      boolean machineCode) {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment handle = call.allocate(ValueLayout.ADDRESS);
      check(
          "nvrtcCreateProgram",
          invoke(
              "nvrtcCreateProgram",
              FunctionDescriptor.of(
                  INT,
                  ValueLayout.ADDRESS,
                  ValueLayout.ADDRESS,
                  ValueLayout.ADDRESS,
                  INT,
                  ValueLayout.ADDRESS,
                  ValueLayout.ADDRESS),
              handle,
              call.allocateFrom(source),
              call.allocateFrom(name),
              headers.size(),
              strings(call, List.copyOf(headers.values())),
              strings(call, List.copyOf(headers.keySet()))));
      MemorySegment program = handle.get(ValueLayout.ADDRESS, 0);
      try {
        int status =
            invoke(
                "nvrtcCompileProgram",
                FunctionDescriptor.of(INT, ValueLayout.ADDRESS, INT, ValueLayout.ADDRESS),
                program,
                options.size(),
                strings(call, options));
        String log = bytes(call, program, "ProgramLog").getString(0);
        if (status != 0) {
          return new Result(log.isBlank() ? "NVRTC's error " + status : log, new byte[0]);
        }
        String kind = machineCode ? "CUBIN" : "PTX";
        return new Result(log, bytes(call, program, kind).toArray(ValueLayout.JAVA_BYTE));
      } finally {
        call("nvrtcDestroyProgram", handle);
      }
    }
  }

  /// What `nvrtcGet` gives of a program under the name `what`.
  private MemorySegment bytes(Arena call, MemorySegment program, String what) {
    MemorySegment size = call.allocate(ValueLayout.JAVA_LONG);
    call("nvrtcGet" + what + "Size", program, size);
    MemorySegment bytes = call.allocate(size.get(ValueLayout.JAVA_LONG, 0));
    call("nvrtcGet" + what, program, bytes);
    return bytes;
  }

  private static MemorySegment strings(Arena call, List<String> texts) {
    MemorySegment pointers = call.allocate(ValueLayout.ADDRESS, Math.max(1, texts.size()));
    for (int i = 0; i < texts.size(); i++) {
      pointers.setAtIndex(ValueLayout.ADDRESS, i, call.allocateFrom(texts.get(i)));
    }
    return pointers;
  }

  /// Calls a function of nothing but pointers.
  private void call(String function, MemorySegment... pointers) {
    ValueLayout[] layouts = new ValueLayout[pointers.length];
    Arrays.fill(layouts, ValueLayout.ADDRESS);
    check(function, invoke(function, FunctionDescriptor.of(INT, layouts), (Object[]) pointers));
  }

  @SuppressWarnings("restricted") // So is every call of native code.
  private int invoke(String function, FunctionDescriptor shape, Object... arguments) {
    MemorySegment address =
        library
            .find(function)
            .orElseThrow(() -> new IllegalStateException(LIBRARY + " lacks " + function));
    MethodHandle handle = Linker.nativeLinker().downcallHandle(address, shape);
    try {
      return (int) handle.invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new IllegalStateException(function + " could not be called", e);
    }
  }

  private static void check(String function, int status) {
    if (status != 0) {
      throw new IllegalStateException("NVRTC's " + function + " failed with error " + status);
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
