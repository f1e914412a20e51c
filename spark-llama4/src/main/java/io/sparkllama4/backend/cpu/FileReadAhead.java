package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.ReadAhead;
import io.sparkllama4.tensor.Linear;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/// A thread that reads mapped weights in large pieces, in the order in which they are packed and a
/// bounded distance ahead.
///
/// Packing alone would read them by page faults, from several places of a file at once, since the
/// rows of a panel lie apart there: a disk then delivers a fraction of what it can, and threads
/// that fault side by side on what is being read keep the processors busy with nothing else. So a
/// matrix is not packed before it has been read.
final class FileReadAhead implements ReadAhead {
  /// How much is read beyond the matrix that is being packed: what a disk delivers while a matrix
  /// is packed, and little beside the weights.
  private static final long DISTANCE = 64L << 20;

  /// What is asked of the system at once: several requests of the largest size that disks take.
  private static final long PIECE = 4L << 20;

  private final List<Source> sources;
  private final Thread thread;

  /// Matrices that have been packed or are being packed.
  private int begun;

  /// Matrices that have been read.
  private int ready;

  private boolean closed;

  /// The stored bytes of one matrix.
  ///
  /// @param begin how many bytes are packed before it
  private record Source(long begin, List<MemorySegment> segments) {
    long end() {
      return begin + segments.stream().mapToLong(MemorySegment::byteSize).sum();
    }
  }

  private FileReadAhead(List<Source> sources) {
    this.sources = sources;
    this.thread = Thread.ofPlatform().daemon().name("llama4-read-ahead").unstarted(this::read);
  }

  /// Begins to read.
  ///
  /// @param stored in the order in which they will be packed
  static ReadAhead start(List<Linear> stored) {
    List<Source> sources = new ArrayList<>();
    long begin = 0;
    for (Linear linear : stored) {
      List<MemorySegment> mapped =
          linear.parts().stream()
              .map(part -> part.weight().values().data())
              .filter(MemorySegment::isMapped)
              .toList();
      Source source = new Source(begin, mapped);
      sources.add(source);
      begin = source.end();
    }
    if (begin == 0) {
      return NONE;
    }
    FileReadAhead ahead = new FileReadAhead(sources);
    ahead.thread.start();
    return ahead;
  }

  private void read() {
    try {
      for (int i = 0; i < sources.size() && read(i); i++) {
        isRead(i + 1);
      }
    } finally {
      // Where this thread failed, nobody waits for it: who packs meets the same page, and reports.
      isRead(sources.size());
    }
  }

  private synchronized void isRead(int matrices) {
    ready = matrices;
    notifyAll();
  }

  /// Reads a matrix; false where nothing more is wanted.
  private boolean read(int index) {
    long position = sources.get(index).begin();
    for (MemorySegment segment : sources.get(index).segments()) {
      for (long at = 0; at < segment.byteSize(); at += PIECE) {
        if (!isNear(position)) {
          return false;
        }
        long size = Math.min(PIECE, segment.byteSize() - at);
        // Asks the system for all of the piece and waits for it.
        segment.asSlice(at, size).load();
        position += size;
      }
    }
    return true;
  }

  /// Waits until bytes from `position` on are near enough; false where nothing is wanted any more.
  private synchronized boolean isNear(long position) {
    await(() -> position < limit());
    return !closed;
  }

  /// Waits until something holds, or nothing is wanted any more.
  private synchronized void await(BooleanSupplier holds) {
    try {
      while (!closed && !holds.getAsBoolean()) {
        wait();
      }
    } catch (InterruptedException e) {
      // Weights that are read later or never are still the right ones.
      closed = true;
      Thread.currentThread().interrupt();
    }
  }

  private long limit() {
    return DISTANCE + (begun == 0 ? 0 : sources.get(begun - 1).end());
  }

  @Override
  public synchronized void next() {
    begun++;
    notifyAll();
    await(() -> ready >= begun);
  }

  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
