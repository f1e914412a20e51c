package io.sparkllama4.backend;

import io.sparkllama4.tensor.Linear;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Threads that read mapped weights in large pieces, in the order in which they are packed and a
/// bounded distance ahead.
///
/// Packing alone would read them by page faults, from several places of a file at once, since the
/// rows of a panel lie apart there: a disk then delivers a fraction of what it can, and threads
/// that fault side by side on what is being read keep the processors busy with nothing else. So a
/// matrix is not packed before it has been read.
public final class FileReadAhead implements ReadAhead {
  /// How much each thread reads beyond the matrix that is being packed: what a disk delivers while
  /// a matrix is packed, and little beside the weights.
  private static final long DISTANCE = 64L << 20;

  /// What is asked of the system at once: several requests of the largest size that disks take.
  private static final long PIECE = 4L << 20;

  private final List<Piece> pieces;

  /// Bytes up to the end of each matrix.
  private final long[] ends;

  /// How far all threads together read ahead.
  private final long distance;

  /// Pieces of each matrix that have not been read yet.
  private final int[] unread;

  private final List<Thread> threads = new ArrayList<>();

  /// The next piece that nobody reads yet.
  private int next;

  /// Matrices that have been packed or are being packed.
  private int begun;

  private boolean closed;

  /// A part of a matrix in its file.
  ///
  /// @param matrix its index
  /// @param position bytes that are packed before it
  private record Piece(int matrix, long position, MemorySegment bytes) {}

  private FileReadAhead(List<Piece> pieces, long[] ends, int readers) {
    this.pieces = pieces;
    this.distance = DISTANCE * readers;
    this.ends = ends;
    this.unread = new int[ends.length];
    pieces.forEach(piece -> unread[piece.matrix()]++);
  }

  /// Begins to read.
  ///
  /// @param stored in the order in which they will be packed
  /// @param readers threads: one is enough for packing on the processor, and more keep fast disks
  ///     busy
  public static ReadAhead start(List<Linear> stored, int readers) {
    List<Piece> pieces = new ArrayList<>();
    long[] ends = new long[stored.size()];
    long position = 0;
    for (int i = 0; i < ends.length; i++) {
      Stream<MemorySegment> parts =
          stored.get(i).parts().stream().map(part -> part.weight().values().data());
      for (MemorySegment segment : parts.filter(MemorySegment::isMapped).toList()) {
        for (long at = 0; at < segment.byteSize(); at += PIECE) {
          long size = Math.min(PIECE, segment.byteSize() - at);
          pieces.add(new Piece(i, position, segment.asSlice(at, size)));
          position += size;
        }
      }
      ends[i] = position;
    }
    if (pieces.isEmpty()) {
      return NONE;
    }
    FileReadAhead ahead = new FileReadAhead(pieces, ends, readers);
    for (int i = 0; i < readers; i++) {
      ahead.threads.add(
          Thread.ofPlatform().daemon().name("llama4-read-ahead-" + i).start(ahead::read));
    }
    return ahead;
  }

  private void read() {
    try {
      for (Piece piece = take(); piece != null; piece = take()) {
        // Asks the system for all of the piece and waits for it.
        piece.bytes().load();
        isRead(piece);
      }
    } catch (RuntimeException | Error e) {
      // Nobody waits any more: who packs meets the same page, and reports.
      end();
      throw e;
    }
  }

  /// The next piece, once it is near enough; null where nothing is wanted any more.
  private synchronized @Nullable Piece take() {
    if (closed || next == pieces.size()) {
      return null;
    }
    Piece piece = pieces.get(next);
    next++;
    await(() -> piece.position() < limit());
    return closed ? null : piece;
  }

  private synchronized void isRead(Piece piece) {
    unread[piece.matrix()]--;
    notifyAll();
  }

  private synchronized void end() {
    closed = true;
    notifyAll();
  }

  /// Waits until something holds, or nothing is wanted any more.
  private synchronized void await(BooleanSupplier holds) {
    try {
      while (!closed && !holds.getAsBoolean()) {
        wait();
      }
    } catch (InterruptedException e) {
      // Weights that are read later or never are still the right ones.
      end();
      Thread.currentThread().interrupt();
    }
  }

  private long limit() {
    return distance + (begun == 0 ? 0 : ends[begun - 1]);
  }

  @Override
  public synchronized void next() {
    int matrix = begun;
    begun++;
    notifyAll();
    await(() -> unread[matrix] == 0);
  }

  @Override
  public void close() {
    end();
    boolean interrupted = false;
    for (Thread thread : threads) {
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
