package io.sparkllama4.backend.cuda;

import java.lang.foreign.MemorySegment;

/// Reads small results back: what a step gives to the host.
public final class Readback implements AutoCloseable {
  private final CudaStream stream;
  private final PinnedMemory buffer;
  private boolean closed;

  /// @param stream whose results are read
  /// @param bytes most bytes of one reading
  public Readback(CudaStream stream, long bytes) {
    this.stream = stream;
    buffer = PinnedMemory.allocate(stream.device(), bytes);
  }

  /// Waits for what the stream was given before, and reads.
  ///
  /// @param address on the device
  /// @return the values, which stay until the next reading
  public MemorySegment read(long address, long bytes) {
    return stream
        .device()
        .call(
            () -> {
              MemorySegment target = buffer.segment().asSlice(0, bytes);
              stream.copyToHost(address, target, bytes);
              stream.synchronize();
              return target;
            });
  }

  /// Gives the memory back, once nothing can be written to it any more; before the stream is
  /// closed.
  @Override
  public void close() {
    if (!closed && stream.device().isUsable()) {
      closed = true;
      // Where this fails the memory stays with the device, which waits before it gives it back.
      stream.device().run(stream::synchronize);
    }
    buffer.close();
  }
}
