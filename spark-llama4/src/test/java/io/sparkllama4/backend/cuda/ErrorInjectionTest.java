package io.sparkllama4.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sparkllama4.backend.cuda.ffi.CudaDriver;
import io.sparkllama4.backend.cuda.ffi.EntryPoint;
import io.sparkllama4.backend.cuda.ffi.EntryPoints;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.Llama4Exception;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Every call of the driver fails in turn, with every kind of error: nothing is left over, no
/// answer is wrong, and the failure names the call and says whether the device is lost.
class ErrorInjectionTest {
  private static final int ELEMENTS = 200;
  private static final long BYTES = 4L * ELEMENTS;

  /// What is left where nothing fails: the texts of errors.
  private static final Set<String> ERROR_TEXTS = Set.of("cuGetErrorName", "cuGetErrorString");

  /// Where these fail there is no device yet that could be lost.
  private static final Set<String> BEFORE_DEVICES =
      Set.of(
          "cuInit",
          "cuDeviceGetCount",
          "cuDeviceGet",
          "cuDeviceGetName",
          "cuDeviceGetUuid_v2",
          "cuDeviceGetAttribute",
          "cuDeviceTotalMem_v2",
          "cuDevicePrimaryCtxRetain",
          "cuCtxSetCurrent");

  private static final List<CudaError> ERRORS =
      List.of(
          CudaError.OUT_OF_MEMORY,
          CudaError.INVALID_VALUE,
          CudaError.ILLEGAL_ADDRESS,
          CudaError.LAUNCH_FAILED);

  private final EmulatedDriver emulated = EmulatedDriver.fresh();

  @AfterEach
  void reset() {
    emulated.reset();
  }

  /// All that the layer does, once, with two devices.
  private static final class Scenario {
    /// Those that were opened, to look at after the end.
    final List<CudaDevice> opened = new ArrayList<>();

    float[] run() {
      CudaFinder.Found found = CudaFinder.find(EmulatedDriver.sources());
      if (!found.isUsable()) {
        throw new IllegalStateException("unavailable: " + found.reasons());
      }
      CudaDriver driver = found.driver().orElseThrow();
      try (CudaDevice device = open(driver, 0);
          CudaDevice other = open(driver, 1)) {
        Optional<String> noPeer = device.enablePeer(other);
        if (noPeer.isPresent()) {
          throw new IllegalStateException("no peer access: " + noPeer.get());
        }
        try (CudaStream stream = CudaStream.create(device);
            PinnedRing ring = new PinnedRing(stream, 2, 256);
            Readback readback = new Readback(stream, BYTES);
            DeviceMemory addend = DeviceMemory.allocate(device, BYTES);
            DeviceMemory target = DeviceMemory.allocate(device, BYTES);
            CudaModule module = CudaModule.load(device, EmulatedDriver.IMAGES)) {
          return compute(
              other, stream, ring, readback, addend, target, module.function("add_in_place"));
        }
      }
    }

    private CudaDevice open(CudaDriver driver, int ordinal) {
      CudaDevice device = CudaDevice.open(driver, ordinal);
      opened.add(device);
      return device;
    }

    /// target = values; target += addend once here, and twice in a graph; then what another device
    /// holds goes over the first 4 elements.
    private static float[] compute(
        CudaDevice other,
        CudaStream stream,
        PinnedRing ring,
        Readback readback,
        DeviceMemory addend,
        DeviceMemory target,
        CudaFunction function) {
      CudaDevice device = stream.device();
      int[] ones = new int[ELEMENTS];
      Arrays.fill(ones, Float.floatToRawIntBits(1));
      ring.uploadInts(ones, ELEMENTS, addend.address());
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment values = arena.allocate(BYTES, 4);
        for (int i = 0; i < ELEMENTS; i++) {
          values.setAtIndex(ValueLayout.JAVA_FLOAT, i, i);
        }
        ring.upload(values, target.address(), BYTES);
      }
      assertThat(function.registers()).isPositive();
      assertThat(device.freeBytes()).isPositive();
      try (CudaEvent start = CudaEvent.create(device, true);
          CudaEvent end = CudaEvent.create(device, true);
          CudaStream there = CudaStream.create(other);
          DeviceMemory zeros = DeviceMemory.allocate(other, 16);
          CudaEvent filled = CudaEvent.create(other, false)) {
        other.run(
            () -> {
              there.fill(zeros.address(), (byte) 0, 16);
              filled.record(there);
            });
        Launch add = new Launch(function);
        Runnable launch =
            () ->
                add.begin()
                    .pointer(addend.address())
                    .pointer(target.address())
                    .number(ELEMENTS)
                    .run(stream, 1, 1, 1, 256, 50_000);
        device.run(
            () -> {
              start.record(stream);
              launch.run();
              try (CudaGraph graph = CudaGraph.capture(stream, launch)) {
                graph.launch(stream);
                graph.launch(stream);
              }
              stream.await(filled);
              stream.copyFrom(other, zeros.address(), target.address(), 16);
              stream.copy(target.address(), target.address() + 16, 4);
              end.record(stream);
              boolean idle = false;
              while (!idle) {
                idle = stream.isIdle() && end.isDone();
              }
              assertThat(end.millisecondsSince(start)).isNotNegative();
            });
        float[] result = readback.read(target.address(), BYTES).toArray(ValueLayout.JAVA_FLOAT);
        device.synchronize();
        return result;
      }
    }
  }

  private static void assertRight(float[] result) {
    assertThat(result).hasSize(ELEMENTS);
    for (int i = 0; i < ELEMENTS; i++) {
      assertThat(result[i]).as("element %d", i).isEqualTo(i < 5 ? 0f : i + 3f);
    }
  }

  /// How often the scenario calls each entry point.
  private static Map<String, Long> calls() {
    EmulatedDriver counting = EmulatedDriver.fresh();
    counting.devices(2);
    assertRight(new Scenario().run());
    Map<String, Long> calls = new LinkedHashMap<>();
    for (EntryPoint entry : EntryPoints.all()) {
      calls.put(entry.symbol(), counting.calls(entry.symbol()));
    }
    assertThat(counting.allocations()).isZero();
    assertThat(counting.leaked()).isZero();
    assertThat(counting.lastReport()).isEmpty();
    counting.reset();
    return calls;
  }

  @Test
  void scenarioCallsEveryEntryPoint() {
    assertThat(calls())
        .allSatisfy(
            (entry, count) -> {
              if (ERROR_TEXTS.contains(entry) || entry.equals("cuDriverGetVersion")) {
                assertThat(count).as(entry).isZero();
              } else {
                assertThat(count).as(entry).isPositive();
              }
            });
  }

  static Stream<Arguments> failures() {
    return calls().entrySet().stream()
        .filter(each -> each.getValue() > 0)
        .flatMap(
            each ->
                ERRORS.stream().map(error -> Arguments.of(each.getKey(), error, each.getValue())));
  }

  @ParameterizedTest(name = "{0} gives {1}, in each of its {2} calls")
  @MethodSource("failures")
  void failureIsToldAndNothingIsLeft(String entry, CudaError error, long calls) {
    for (long nth = 1; nth <= calls; nth++) {
      emulated.reset();
      emulated.devices(2);
      emulated.fail(entry, nth, error);
      Scenario scenario = new Scenario();
      RuntimeException failure = failureOf(scenario);
      if (failure == null) {
        // Behind the last parameter of the kernel this is the right result.
        assertThat(entry + " " + error + " " + nth).isEqualTo("cuFuncGetParamInfo INVALID_VALUE 4");
        continue;
      }
      assertThat(failure.getMessage()).as("call %d", nth).contains(entry);
      assertKind(failure, entry, error, scenario);
      assertThat(emulated.allocations()).as("left by call %d", nth).isZero();
      for (CudaDevice device : scenario.opened) {
        assertThat(device.allocatedBytes() + device.pinnedBytes()).as("counted").isZero();
      }
    }
    emulated.reset();
    emulated.devices(2);
    assertRight(new Scenario().run());
  }

  /// The failure; a scenario that ends without one has the right answer.
  private static @Nullable RuntimeException failureOf(Scenario scenario) {
    try {
      assertRight(scenario.run());
      return null;
    } catch (RuntimeException e) {
      return e;
    }
  }

  private static void assertKind(
      RuntimeException failure, String entry, CudaError error, Scenario scenario) {
    if (failure instanceof CudaException cuda) {
      assertThat(cuda.error()).isEqualTo(error);
      assertThat(cuda.call()).isEqualTo(entry);
      assertThat(cuda.isFatal()).isEqualTo(error.isSticky());
      assertThat(cuda.code())
          .isEqualTo(
              error == CudaError.OUT_OF_MEMORY
                  ? ErrorCode.NOT_ENOUGH_MEMORY
                  : ErrorCode.DEVICE_ERROR);
      assertThat(cuda).hasMessageContaining(error.symbol() + " (" + error.code() + ")");
    } else if (entry.equals("cuFuncGetParamInfo")) {
      // This result means that the kernel has no more parameters.
      assertThat(error).isEqualTo(CudaError.INVALID_VALUE);
    } else {
      // Reasons why there is no backend, or no direct way between devices.
      assertThat(failure).hasMessageContaining(error.symbol());
    }
    boolean lost = scenario.opened.stream().anyMatch(device -> device.failure().isPresent());
    assertThat(lost && !error.isSticky()).as("lost without need").isFalse();
    if (error.isSticky() && !BEFORE_DEVICES.contains(entry)) {
      assertThat(lost).as("lost").isTrue();
    }
  }

  @Test
  void errorWithoutTextsStillHasItsName() {
    CudaDevice device = CudaDevice.open(emulated.driver(), 0);
    emulated.fail("cuMemAlloc_v2", 1, CudaError.INVALID_VALUE);
    emulated.fail("cuGetErrorName", 1, CudaError.NOT_INITIALIZED);
    emulated.fail("cuGetErrorString", 1, CudaError.NOT_INITIALIZED);
    assertThat(failure(() -> DeviceMemory.allocate(device, 8)))
        .hasMessageEndingWith("failed with CUDA_ERROR_INVALID_VALUE (1)");
    device.close();
  }

  @Test
  void refusedReleaseIsTriedAgainByTheDevice() {
    CudaDevice device = CudaDevice.open(emulated.driver(), 0);
    DeviceMemory memory = DeviceMemory.allocate(device, 64);
    emulated.fail("cuMemFree_v2", 1, CudaError.INVALID_VALUE);
    assertThat(failure(memory::close)).hasMessageContaining("cuMemFree_v2()");
    assertThat(device.allocatedBytes()).isEqualTo(64);
    device.close();
    assertThat(device.allocatedBytes()).isZero();
    assertThat(emulated.leaked()).isZero();
  }

  @Test
  void uploadWhoseEndIsUnknownIsNotOverwritten() {
    CudaDevice device = CudaDevice.open(emulated.driver(), 0);
    CudaStream stream = CudaStream.create(device);
    DeviceMemory memory = DeviceMemory.allocate(device, 16);
    PinnedRing ring = new PinnedRing(stream, 1, 8);
    emulated.fail("cuEventRecord", 1, CudaError.INVALID_VALUE);
    assertThat(failure(() -> ring.uploadInts(new int[] {1, 2}, 2, memory.address())))
        .hasMessageContaining("cuEventRecord");
    ring.uploadInts(new int[] {3, 4}, 2, memory.address() + 8);
    try (Readback readback = new Readback(stream, 16)) {
      assertThat(readback.read(memory.address(), 16).toArray(ValueLayout.JAVA_INT))
          .containsExactly(1, 2, 3, 4);
    }
    device.close();
    assertThat(emulated.allocations()).isZero();
  }

  private static Llama4Exception failure(Runnable body) {
    return catchThrowableOfType(Llama4Exception.class, body::run);
  }
}
