package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.cpu.ffi.HugePages;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Panels;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/// Lends memory out of large chunks in large pages, one piece behind the other: so a matrix that is
/// smaller than such a page lies in one too, and none pays for the rest of its last page. Pages are
/// taken when they are first written, by the threads that write them.
final class ChunkedMemory implements NativeArena.LargeMemory {
  private static final long CHUNK_BYTES = 64L << 20;

  /// What is smaller may as well lie anywhere.
  private static final long LEAST_BYTES = 64L << 10;

  /// What is larger has memory of its own; less than this is left over at a chunk's end, and is
  /// never touched.
  private static final long MOST_BYTES = CHUNK_BYTES / 4;

  /// Cache lines and vectors never straddle the beginning of a tensor.
  private static final long ALIGNMENT = 64;

  private MemorySegment chunk = MemorySegment.NULL;
  private long used;

  @Override
  public synchronized Optional<MemorySegment> allocate(long size, Arena arena) {
    if (size < LEAST_BYTES) {
      return Optional.empty();
    }
    if (size > MOST_BYTES) {
      return HugePages.allocate(size, arena);
    }
    long begin = Panels.roundUp(used, ALIGNMENT);
    if (begin + size > chunk.byteSize()) {
      Optional<MemorySegment> next = HugePages.allocate(CHUNK_BYTES, arena);
      if (next.isEmpty()) {
        return next;
      }
      chunk = next.get();
      begin = 0;
    }
    used = begin + size;
    return Optional.of(chunk.asSlice(begin, size));
  }
}
