package io.sparkllama4.backend.cpu.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/// Memory in large pages, where the system gives them: weights that are read from end to end would
/// otherwise wait for the translation of an address every 4 KiB.
public final class HugePages {
  /// Below this a large page would mostly be empty.
  private static final long LEAST_BYTES = 4L << 20;

  private static final long PAGE = 2L << 20;

  private static final int READ_AND_WRITE = 3;

  /// `MAP_PRIVATE | MAP_ANONYMOUS` of Linux.
  private static final int PRIVATE_ANONYMOUS = 0x22;

  /// `MADV_HUGEPAGE` of Linux.
  private static final int HUGE_PAGES = 14;

  private static final Optional<MethodHandle> MAP =
      function(
          "mmap",
          FunctionDescriptor.of(
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG));

  private static final Optional<MethodHandle> UNMAP =
      function(
          "munmap",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));

  /// `madvise`: address, size, advice.
  static final Optional<MethodHandle> ADVISE =
      function(
          "madvise",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT));

  private HugePages() {}

  @SuppressWarnings("restricted") // So is every call of native code.
  static Optional<MethodHandle> function(String name, FunctionDescriptor shape) {
    return System.getProperty("os.name", "").equals("Linux")
        ? Linker.nativeLinker()
            .defaultLookup()
            .find(name)
            .map(address -> Linker.nativeLinker().downcallHandle(address, shape))
        : Optional.empty();
  }

  /// `size` bytes of zeros that live as long as `arena`; empty where the system has no such memory
  /// or the size asks for none.
  @SuppressWarnings("restricted") // The size is the mapping's own.
  public static Optional<MemorySegment> allocate(long size, Arena arena) {
    if (size < LEAST_BYTES || MAP.isEmpty() || UNMAP.isEmpty() || ADVISE.isEmpty()) {
      return Optional.empty();
    }
    long whole = (size + PAGE - 1) / PAGE * PAGE + PAGE;
    try {
      long mapped =
          (long) MAP.get().invokeExact(0L, whole, READ_AND_WRITE, PRIVATE_ANONYMOUS, -1, 0L);
      if (mapped == -1) {
        return Optional.empty();
      }
      long aligned = (mapped + PAGE - 1) / PAGE * PAGE;
      // Refused advice leaves small pages, which work as well.
      int ignored = (int) ADVISE.get().invokeExact(aligned, whole - PAGE, HUGE_PAGES);
      return Optional.of(
          MemorySegment.ofAddress(aligned)
              .reinterpret(size, arena, segment -> unmap(mapped, whole)));
    } catch (Throwable e) {
      throw new IllegalStateException("mmap could not be called", e);
    }
  }

  private static void unmap(long address, long size) {
    try {
      int result = (int) UNMAP.get().invokeExact(address, size);
      if (result != 0) {
        throw new IllegalStateException("Memory could not be given back");
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("munmap could not be called", e);
    }
  }
}
