package io.sparkllama4.backend.cpu.ffi;

import java.lang.foreign.MemorySegment;

/// Gives pages of mapped files back once what they hold has been copied, so that a model is not in
/// memory twice while it is loaded.
public final class HostPages {
  private static final long PAGE = 4096;

  /// `MADV_DONTNEED` of Linux: a mapped file's pages are read again when they are used again.
  private static final int DONT_NEED = 4;

  private HostPages() {}

  /// Gives back the whole pages of `data` where it is part of a mapped file; elsewhere, and where
  /// the system has no such call, nothing happens.
  public static void release(MemorySegment data) {
    if (!data.isMapped() || !data.isReadOnly() || HugePages.ADVISE.isEmpty()) {
      return;
    }
    long first = (data.address() + PAGE - 1) / PAGE * PAGE;
    long end = (data.address() + data.byteSize()) / PAGE * PAGE;
    if (end <= first) {
      return;
    }
    try {
      // Advice that is refused costs memory and nothing else: the result is of no interest.
      int ignored = (int) HugePages.ADVISE.get().invokeExact(first, end - first, DONT_NEED);
    } catch (Throwable e) {
      throw new IllegalStateException("madvise could not be called", e);
    }
  }
}
