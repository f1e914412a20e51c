package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.check.Finding;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/// What the driver promises about the order of copies, and what the backend relies on. Each check
/// runs on the device's thread.
final class StreamChecks {
  private static final int ROUNDS = 20;
  private static final long BYTES = 40_000;

  /// Values that were there before, and must not be any more.
  private static final byte STALE = 99;

  private StreamChecks() {}

  private static Finding wrong(long wrong, String what) {
    return Finding.that(wrong == 0, what + ", " + wrong + " bytes are wrong");
  }

  /// What one stream is given happens in that order.
  static Finding order(CheckedDevice on) {
    DeviceMemory first = on.memory(BYTES);
    DeviceMemory second = on.memory(BYTES);
    PinnedMemory host = on.pinned(BYTES * ROUNDS);
    for (int round = 0; round < ROUNDS; round++) {
      on.stream().fill(first.address(), (byte) round, BYTES);
      on.stream().copy(first.address(), second.address(), BYTES);
      on.stream().fill(first.address(), STALE, BYTES);
      MemorySegment target = host.segment().asSlice(round * BYTES, BYTES);
      on.stream().copyToHost(second.address(), target, BYTES);
    }
    on.stream().synchronize();
    long wrong = 0;
    for (int round = 0; round < ROUNDS; round++) {
      wrong += CheckedDevice.wrongBytes(host.segment().asSlice(round * BYTES, BYTES), round);
    }
    return wrong(wrong, ROUNDS + " times filled, copied and read back");
  }

  /// An event makes a stream wait for another one.
  static Finding events(CheckedDevice on) {
    long bytes = on.workBytes();
    DeviceMemory source = on.memory(bytes);
    DeviceMemory target = on.memory(bytes);
    CudaStream other = on.another();
    CudaEvent written = on.event(false);
    CudaEvent read = on.event(false);
    long wrong = 0;
    for (int round = 0; round < ROUNDS; round++) {
      on.stream().fill(source.address(), STALE, bytes);
      on.stream().fill(source.address(), (byte) round, bytes);
      written.record(on.stream());
      other.await(written);
      other.copy(source.address(), target.address(), bytes);
      read.record(other);
      on.stream().await(read);
      on.stream().fill(source.address(), STALE, bytes);
      // The end is what was written last, and what came too late shows there.
      wrong += on.wrongBytes(other, target.address() + bytes - BYTES, BYTES, round);
      wrong += on.wrongBytes(other, target.address(), BYTES, round);
    }
    boolean isDone = written.isDone() && read.isDone() && other.isIdle();
    return isDone
        ? wrong(wrong, ROUNDS + " times from one stream to another behind an event")
        : Finding.failed("an event or a stream is not done although it was waited for");
  }

  /// Slots of the ring are filled again only when the device has read them.
  static Finding ring(CheckedDevice on) {
    long bytes = on.workBytes();
    DeviceMemory busy = on.memory(bytes);
    DeviceMemory target = on.memory(BYTES * ROUNDS);
    byte[] values = new byte[(int) BYTES];
    for (int round = 0; round < ROUNDS; round++) {
      on.stream().fill(busy.address(), (byte) round, bytes);
      Arrays.fill(values, (byte) round);
      on.ring().upload(MemorySegment.ofArray(values), target.address() + round * BYTES, BYTES);
    }
    long wrong = 0;
    for (int round = 0; round < ROUNDS; round++) {
      wrong += on.wrongBytes(on.stream(), target.address() + round * BYTES, BYTES, round);
    }
    return wrong(wrong, ROUNDS + " uploads of ten times a slot");
  }

  /// A copy reads pinned memory until its event, and not behind it. When it reads before is the
  /// device's choice.
  static Finding late(CheckedDevice on) {
    DeviceMemory busy = on.memory(on.workBytes());
    DeviceMemory target = on.memory(BYTES);
    PinnedMemory host = on.pinned(BYTES);
    CudaEvent copied = on.event(false);
    host.segment().fill((byte) 1);
    for (int i = 0; i < ROUNDS; i++) {
      on.stream().fill(busy.address(), (byte) i, on.workBytes());
    }
    on.stream().copyToDevice(host.segment(), target.address(), BYTES);
    host.segment().fill((byte) 2);
    long later = BYTES - on.wrongBytes(on.stream(), target.address(), BYTES, 2);
    long earlier = BYTES - on.wrongBytes(on.stream(), target.address(), BYTES, 1);
    host.segment().fill((byte) 3);
    on.stream().copyToDevice(host.segment(), target.address(), BYTES);
    copied.record(on.stream());
    copied.await();
    host.segment().fill((byte) 4);
    long wrong = on.wrongBytes(on.stream(), target.address(), BYTES, 3);
    String text =
        String.format(
            Locale.ROOT,
            "behind %d fills, %,d of %,d bytes were read after the call; behind its event %,d bytes"
                + " were read after it",
            ROUNDS,
            later,
            BYTES,
            wrong);
    return Finding.that(earlier + later == BYTES && wrong == 0, text)
        .with("bytes_read_after_call", (double) later);
  }

  /// Fills and copies of odd sizes at odd places change these alone.
  static Finding copies(CheckedDevice on) {
    long[] sizes = {1, 3, 17, 255, 4097};
    long wrong = 0;
    for (long size : sizes) {
      DeviceMemory memory = on.memory(2 * BYTES);
      on.stream().fill(memory.address(), STALE, 2 * BYTES);
      on.stream().fill(memory.address() + 7, (byte) 5, size);
      on.stream().copy(memory.address() + 7, memory.address() + BYTES + 11, size);
      wrong += on.wrongBytes(on.stream(), memory.address(), 7, STALE);
      wrong += on.wrongBytes(on.stream(), memory.address() + 7, size, 5);
      wrong += on.wrongBytes(on.stream(), memory.address() + 7 + size, 100, STALE);
      wrong += on.wrongBytes(on.stream(), memory.address() + BYTES + 11, size, 5);
      wrong += on.wrongBytes(on.stream(), memory.address() + BYTES + 11 + size, 100, STALE);
    }
    return wrong(wrong, sizes.length + " odd sizes");
  }

  /// The time between two events is that of the work between them.
  static Finding times(CheckedDevice on) {
    DeviceMemory memory = on.memory(on.workBytes());
    CudaEvent begin = on.event(true);
    CudaEvent end = on.event(true);
    long before = System.nanoTime();
    begin.record(on.stream());
    for (int i = 0; i < ROUNDS; i++) {
      on.stream().fill(memory.address(), (byte) i, on.workBytes());
    }
    end.record(on.stream());
    end.await();
    double wall = (System.nanoTime() - before) * 1e-6;
    double milliseconds = end.millisecondsSince(begin);
    return Finding.that(
            milliseconds > 0 && milliseconds <= wall,
            String.format(Locale.ROOT, "%.3f ms by events, %.3f by the clock", milliseconds, wall))
        .with("milliseconds", milliseconds);
  }

  /// Copies to and from another device, ordered by events.
  static Finding peers(CheckedDevice on, CheckedDevice other) {
    Optional<String> refusal = on.device().enablePeer(other.device());
    DeviceMemory here = on.memory(BYTES);
    DeviceMemory there = other.device().call(() -> other.memory(BYTES));
    CudaEvent written = other.device().call(() -> other.event(false));
    other
        .device()
        .run(
            () -> {
              other.stream().fill(there.address(), (byte) 21, BYTES);
              written.record(other.stream());
            });
    on.stream().await(written);
    on.stream().copyFrom(other.device(), there.address(), here.address(), BYTES);
    long wrong = on.wrongBytes(on.stream(), here.address(), BYTES, 21);
    on.stream().fill(here.address(), (byte) 22, BYTES);
    on.stream().copyTo(other.device(), here.address(), there.address(), BYTES);
    on.stream().synchronize();
    wrong +=
        other.device().call(() -> other.wrongBytes(other.stream(), there.address(), BYTES, 22));
    return wrong(
        wrong,
        "there and back, " + refusal.map(why -> "through the host: " + why).orElse("direct"));
  }
}
