package io.sparkllama4.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sparkllama4.error.ErrorCode;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// A device: its thread, its failures, what it counts, and its end.
class CudaDeviceTest {
  private final EmulatedDriver emulated = EmulatedDriver.fresh();
  private CudaDevice device;

  @BeforeEach
  void open() {
    emulated.devices(2);
    device = CudaDevice.open(emulated.driver(), 0);
  }

  @AfterEach
  void nothingIsLeft() {
    device.close();
    assertThat(emulated.allocations()).isZero();
    emulated.reset();
  }

  @Test
  void saysWhatItIs() {
    DeviceInfo info = device.info();
    assertThat(info.name()).isEqualTo("Emulated device 0");
    assertThat(info.uuid()).matches("GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
    assertThat(info.major()).isEqualTo(9);
    assertThat(info.totalBytes()).isEqualTo(device.freeBytes()).isEqualTo(1L << 30);
    assertThat(device.mostSharedBytes()).isEqualTo(227 << 10);
  }

  @Test
  void everythingRunsOnItsThread() {
    List<Thread> threads = new ArrayList<>();
    device.run(
        () -> {
          threads.add(Thread.currentThread());
          device.run(() -> threads.add(Thread.currentThread()));
        });
    assertThat(threads).hasSize(2).allMatch(thread -> thread.getName().equals("llama4-cuda-0"));
    assertThat(threads.getFirst().isDaemon()).isTrue();
    assertThat(threads.getFirst().isVirtual()).isFalse();
    CudaStream stream = CudaStream.create(device);
    assertThatThrownBy(stream::synchronize)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("belongs on the thread [llama4-cuda-0]");
  }

  @Test
  void failureArrivesWithBothTraces() {
    assertThatThrownBy(
            () ->
                device.run(
                    () -> {
                      throw new UnsupportedOperationException("inside");
                    }))
        .isInstanceOf(UnsupportedOperationException.class)
        .satisfies(
            e -> {
              assertThat(e.getSuppressed()).hasSize(1);
              assertThat(e.getSuppressed()[0])
                  .hasMessageContaining("done on [llama4-cuda-0]")
                  .hasStackTraceContaining("failureArrivesWithBothTraces");
            });
  }

  @Test
  void interruptedCallerStillWaits() {
    AtomicBoolean done = new AtomicBoolean();
    Thread.currentThread().interrupt();
    device.run(() -> done.set(true));
    assertThat(Thread.interrupted()).isTrue();
    assertThat(done).isTrue();
  }

  @Test
  void memoryIsCountedAndGivenBackOnce() {
    DeviceMemory memory = DeviceMemory.allocate(device, 1000);
    PinnedMemory pinned = PinnedMemory.allocate(device, 500);
    assertThat(device.allocatedBytes()).isEqualTo(1000);
    assertThat(device.pinnedBytes()).isEqualTo(500);
    assertThat(memory.segment().byteSize()).isEqualTo(1000);
    assertThat(memory.segment().address()).isEqualTo(memory.address());
    memory.close();
    memory.close();
    pinned.close();
    assertThat(device.allocatedBytes() + device.pinnedBytes()).isZero();
    assertThat(emulated.allocations()).isZero();
    assertThatThrownBy(() -> pinned.segment().get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void tooMuchMemorySaysTheNumbersAndTheKey() {
    emulated.memory(4096);
    DeviceMemory some = DeviceMemory.allocate(device, 1024);
    assertThatThrownBy(() -> DeviceMemory.allocate(device, 4000))
        .isInstanceOfSatisfying(
            CudaException.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.NOT_ENOUGH_MEMORY);
              assertThat(e.error()).isEqualTo(CudaError.OUT_OF_MEMORY);
              assertThat(e.isFatal()).isFalse();
              assertThat(e)
                  .hasMessageContaining("cuMemAlloc_v2(bytes = 4000) on CUDA device 0 failed with")
                  .hasMessageContaining("CUDA_ERROR_OUT_OF_MEMORY (2): out of memory")
                  .hasMessageContaining("3072 bytes free of")
                  .hasMessageContaining("1024 allocated by this process")
                  .hasMessageContaining("spark.llama4.kv.tokens");
            });
    some.close();
    DeviceMemory.allocate(device, 4000).close();
  }

  @Test
  void nothingIsWorkedOnAfterAnErrorThatEndsTheContext() {
    DeviceMemory memory = DeviceMemory.allocate(device, 64);
    CudaStream stream = CudaStream.create(device);
    emulated.fail("cuMemsetD8Async", 1, CudaError.ILLEGAL_ADDRESS);
    assertThatThrownBy(
            () -> device.run(() -> stream.fill(memory.address(), (byte) 0, memory.bytes())))
        .isInstanceOfSatisfying(
            CudaException.class,
            e -> {
              assertThat(e.isFatal()).isTrue();
              assertThat(e.code()).isEqualTo(ErrorCode.DEVICE_ERROR);
              assertThat(e.call()).isEqualTo("cuMemsetD8Async");
              assertThat(e).hasMessageContaining("bytes = 64").hasMessageContaining("700");
            });
    long calls = emulated.calls("cuMemAlloc_v2");
    assertThatThrownBy(() -> DeviceMemory.allocate(device, 8))
        .isInstanceOfSatisfying(
            CudaException.class,
            e -> {
              assertThat(e.isFatal()).isTrue();
              assertThat(e.error()).isEqualTo(CudaError.ILLEGAL_ADDRESS);
              assertThat(e)
                  .hasMessageContaining("device 0 takes no more work in this process")
                  .hasMessageContaining("cuMemsetD8Async");
              assertThat(e.getCause()).isSameAs(device.failure().orElseThrow());
            });
    assertThat(emulated.calls("cuMemAlloc_v2")).as("calls of the driver").isEqualTo(calls);
    memory.close();
    stream.close();
    assertThat(device.allocatedBytes()).isZero();
  }

  @Test
  void errorWithoutNameIsTakenForAnEnd() {
    assertThat(CudaError.of(12345)).isEqualTo(CudaError.UNKNOWN);
    assertThat(CudaError.UNKNOWN.isSticky()).isTrue();
    assertThat(CudaException.of(emulated.driver(), 12345, "cuNew", "device 0"))
        .hasMessageContaining("cuNew() on CUDA device 0 failed with CUDA_ERROR_UNKNOWN (12345)");
  }

  @Test
  void endGivesEverythingBackAndComesOnce() {
    DeviceMemory memory = DeviceMemory.allocate(device, 64);
    CudaStream stream = CudaStream.create(device);
    CudaEvent event = CudaEvent.create(device, false);
    PinnedMemory pinned = PinnedMemory.allocate(device, 64);
    CudaModule.load(device, EmulatedDriver.IMAGES);
    device.run(() -> stream.copyToDevice(pinned.segment(), memory.address(), 64));
    device.close();
    assertThat(emulated.allocations()).isZero();
    assertThat(emulated.leaked()).as("left to the context").isZero();
    assertThat(device.allocatedBytes() + device.pinnedBytes()).isZero();
    device.close();
    memory.close();
    event.close();
    assertThatThrownBy(() -> DeviceMemory.allocate(device, 8))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("has ended");
  }

  @Test
  void streamTellsWhenItIsDone() {
    DeviceMemory memory = DeviceMemory.allocate(device, 64);
    CudaStream stream = CudaStream.create(device);
    CudaStream other = CudaStream.create(device);
    CudaEvent start = CudaEvent.create(device, true);
    CudaEvent end = CudaEvent.create(device, true);
    device.run(
        () -> {
          assertThat(stream.isIdle()).isTrue();
          start.record(stream);
          stream.fill(memory.address(), (byte) 1, 64);
          end.record(stream);
          assertThat(end.isDone()).isFalse();
          other.await(end);
          other.synchronize();
          assertThat(end.isDone()).isTrue();
          assertThat(end.millisecondsSince(start)).isNotNegative();
        });
  }

  @Test
  void memoryOfAnotherDeviceIsCopied() {
    try (CudaDevice other = CudaDevice.open(emulated.driver(), 1)) {
      assertThat(device.enablePeer(other)).isEmpty();
      assertThat(device.enablePeer(other)).as("a second time").isEmpty();
      DeviceMemory there = DeviceMemory.allocate(other, 16);
      CudaStream fills = CudaStream.create(other);
      CudaEvent filled = CudaEvent.create(other, false);
      other.run(
          () -> {
            fills.fill(there.address(), (byte) 7, 16);
            filled.record(fills);
          });
      DeviceMemory here = DeviceMemory.allocate(device, 16);
      CudaStream stream = CudaStream.create(device);
      try (Readback readback = new Readback(stream, 16)) {
        device.run(
            () -> {
              stream.await(filled);
              stream.copyFrom(other, there.address(), here.address(), 16);
            });
        assertThat(readback.read(here.address(), 16).toArray(ValueLayout.JAVA_BYTE))
            .containsOnly(7);
      }
      emulated.fail("cuCtxEnablePeerAccess", 1, CudaError.TOO_MANY_PEERS);
      assertThat(device.enablePeer(other).orElseThrow())
          .contains("cuCtxEnablePeerAccess(peer = 1)");
    }
  }
}
