package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.ReadAhead;
import io.sparkllama4.tensor.Linear;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// A thread that reads mapped weights in large pieces, in the order in which they are packed and a
/// bounded distance ahead.
///
/// Packing alone would read them by page faults, from several places of a file at once, since the
/// rows of a panel lie apart there: a disk then delivers a fraction of what it can.
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
    for (int i = 0; i < sources.size(); i++) {
      long position = sources.get(i).begin();
      for (MemorySegment segment : sources.get(i).segments()) {
        for (long at = 0; at < segment.byteSize(); at += PIECE) {
          if (!isWanted(i, position)) {
            break;
          }
          long size = Math.min(PIECE, segment.byteSize() - at);
          // Asks the system for all of the piece and waits for it.
          segment.asSlice(at, size).load();
          position += size;
        }
      }
    }
  }

  /// Waits until bytes from `position` on, of matrix `index`, are near enough; false where they
  /// have been packed already, or nothing is wanted any more.
  private synchronized boolean isWanted(int index, long position) {
    try {
      while (!closed && position >= limit()) {
        wait();
      }
    } catch (InterruptedException e) {
      // Nobody interrupts this thread but to end it.
      closed = true;
    }
    return !closed && index >= begun - 1;
  }

  private long limit() {
    return DISTANCE + (begun == 0 ? 0 : sources.get(begun - 1).end());
  }

  @Override
  public synchronized void next() {
    begun++;
    notifyAll();
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
