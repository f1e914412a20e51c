package io.sparkllama4.tensor;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/// Owns native memory that lives and ends together: what one model maps, what one engine allocates.
///
/// Any thread may use the memory; one owner closes it. All arenas are counted, so that a test, a
/// metric or a user can see that nothing was left over.
public final class NativeArena implements Allocator {
  /// Where large memory comes from.
  public interface LargeMemory {
    /// `size` bytes of zeros that live as long as `arena`; empty where it has none to give.
    Optional<MemorySegment> allocate(long size, Arena arena);
  }

  private static final AtomicLong ALL_BYTES = new AtomicLong();

  /// Cache lines and vectors never straddle the beginning of a tensor.
  private static final long ALIGNMENT = 64;

  private final Arena arena = Arena.ofShared();
  private final AtomicLong bytes = new AtomicLong();
  private final LargeMemory large;

  /// Memory as the system gives it.
  public NativeArena() {
    this((size, arena) -> Optional.empty());
  }

  /// @param large is asked first
  public NativeArena(LargeMemory large) {
    this.large = large;
  }

  /// Native bytes, allocated or mapped, of all arenas that are open in this process.
  public static long openBytes() {
    return ALL_BYTES.get();
  }

  @Override
  public long bytes() {
    return bytes.get();
  }

  @Override
  public Tensor allocate(DType dtype, long... sizes) {
    Shape shape = Shape.of(sizes);
    long size = Math.multiplyExact(shape.elements(), dtype.bytes());
    MemorySegment data;
    try {
      data =
          size == 0
              ? MemorySegment.NULL
              : large.allocate(size, arena).orElseGet(() -> arena.allocate(size, ALIGNMENT));
    } catch (OutOfMemoryError e) {
      throw ErrorReport.of(
              ErrorCode.NOT_ENOUGH_MEMORY,
              "Cannot allocate " + dtype + shape + ", [" + size + "] bytes of native memory")
          .found(openBytes() + " bytes in use by this process", "less, or a larger machine")
          .exception(e);
    }
    count(size);
    return new Tensor(dtype, shape, data);
  }

  /// A file's bytes where they lie, read-only; any size.
  public MemorySegment map(FileChannel file, long offset, long size) throws IOException {
    MemorySegment data = file.map(FileChannel.MapMode.READ_ONLY, offset, size, arena);
    count(size);
    return data;
  }

  private void count(long size) {
    bytes.addAndGet(size);
    ALL_BYTES.addAndGet(size);
  }

  /// Gives all memory back. The tensors in it must not be used any more; doing so throws.
  @Override
  public void close() {
    arena.close();
    ALL_BYTES.addAndGet(-bytes.getAndSet(0));
  }
}
