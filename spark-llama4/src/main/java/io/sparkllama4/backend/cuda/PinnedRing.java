package io.sparkllama4.backend.cuda;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/// A few slots of pinned memory that uploads go through in turn. A slot is filled again only when
/// the copy out of it is over, so that callers may do what they want with their memory at once.
///
/// A ring serves one thread at a time, any thread: those that load side by side have a ring each,
/// and fill their slots while the device's thread does other things. Uploads are ordered among
/// themselves and with whatever else is given to the stream.
public final class PinnedRing implements AutoCloseable {
  private final CudaDevice device;
  private final CudaStream stream;
  private final long slotBytes;
  private final List<PinnedMemory> slots = new ArrayList<>();
  private final List<CudaEvent> copied = new ArrayList<>();

  /// Slots whose copy may be under way without an event that tells.
  private final boolean[] untold;

  private int next;
  private boolean closed;

  /// @param stream that copies
  /// @param count how many copies may be under way
  /// @param slotBytes most bytes of one copy
  public PinnedRing(CudaStream stream, int count, long slotBytes) {
    if (count < 1 || slotBytes < Integer.BYTES) {
      throw new IllegalArgumentException(
          "A ring needs a slot of 4 bytes at least, not [" + count + "] of [" + slotBytes + "]");
    }
    this.stream = stream;
    this.slotBytes = slotBytes;
    device = stream.device();
    untold = new boolean[count];
    try {
      for (int i = 0; i < count; i++) {
        slots.add(PinnedMemory.allocate(device, slotBytes));
        copied.add(CudaEvent.create(device, false));
      }
    } catch (RuntimeException | Error e) {
      Failures failures = new Failures(e);
      giveBack(failures);
      throw e;
    }
  }

  /// Copies the first `bytes` of memory of any kind to the device. When it returns, the source may
  /// be changed; the device has the values when it comes to what the stream is given next.
  public void upload(MemorySegment source, long address, long bytes) {
    if (bytes < 0 || bytes > source.byteSize()) {
      throw new IllegalArgumentException(
          "Cannot upload [" + bytes + "] bytes of a segment of [" + source.byteSize() + "]");
    }
    for (long done = 0; done < bytes; done += slotBytes) {
      long target = address + done;
      long size = Math.min(slotBytes, bytes - done);
      MemorySegment slot = device.call(this::freeSlot);
      // On the caller's thread, which alone may be able to read the source.
      MemorySegment.copy(source, done, slot, 0, size);
      device.run(() -> send(slot, target, size));
    }
  }

  /// Copies the first `count` of `values` to the device.
  public void uploadInts(int[] values, int count, long address) {
    int most = (int) Math.min(slotBytes / Integer.BYTES, Integer.MAX_VALUE);
    device.run(
        () -> {
          for (int done = 0; done < count; done += most) {
            int size = Math.min(most, count - done);
            MemorySegment slot = freeSlot();
            MemorySegment.copy(values, done, slot, ValueLayout.JAVA_INT, 0, size);
            send(slot, address + (long) Integer.BYTES * done, (long) Integer.BYTES * size);
          }
        });
  }

  private MemorySegment freeSlot() {
    if (stream.isCapturing()) {
      throw new IllegalStateException(
          "An upload cannot be recorded: its slot holds other values when the recording is played");
    }
    if (untold[next]) {
      stream.synchronize();
      untold[next] = false;
    } else {
      copied.get(next).await();
    }
    return slots.get(next).segment();
  }

  private void send(MemorySegment slot, long address, long bytes) {
    untold[next] = true;
    stream.copyToDevice(slot, address, bytes);
    copied.get(next).record(stream);
    untold[next] = false;
    next = (next + 1) % slots.size();
  }

  /// Waits until all copies are over, and gives the slots back; before the stream is closed.
  @Override
  public void close() {
    if (!closed && device.isUsable()) {
      closed = true;
      // Where this fails the slots stay with the device, which waits before it gives them back.
      device.run(stream::synchronize);
    }
    Failures failures = new Failures();
    giveBack(failures);
    failures.rethrow();
  }

  private void giveBack(Failures failures) {
    copied.forEach(event -> failures.attempt(event::close));
    slots.forEach(slot -> failures.attempt(slot::close));
  }
}
