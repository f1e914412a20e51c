package io.sparkllama4.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Kernels get the arguments that they take, in graphs too, and rings keep what is under way.
class LaunchTest {
  private static final int ELEMENTS = 300;
  private static final long BYTES = 4L * ELEMENTS;

  private final EmulatedDriver emulated = EmulatedDriver.fresh();
  private CudaDevice device;
  private CudaStream stream;
  private CudaModule module;
  private DeviceMemory addend;
  private DeviceMemory target;
  private PinnedRing ring;
  private Readback readback;
  private Launch add;

  @BeforeEach
  void open() {
    emulated.strict(true);
    device = CudaDevice.open(emulated.driver(), 0);
    stream = CudaStream.create(device);
    module = CudaModule.load(device, EmulatedDriver.IMAGES);
    addend = DeviceMemory.allocate(device, BYTES);
    target = DeviceMemory.allocate(device, BYTES);
    ring = new PinnedRing(stream, 2, 256);
    readback = new Readback(stream, BYTES);
    add = new Launch(module.function("add_in_place"));
    upload(addend, 1);
    upload(target, 1000);
  }

  @AfterEach
  void nothingIsLeft() {
    device.close();
    assertThat(emulated.allocations()).isZero();
    assertThat(emulated.leaked()).isZero();
    emulated.reset();
  }

  /// Element i becomes i * factor.
  private void upload(DeviceMemory memory, float factor) {
    int[] bits = new int[ELEMENTS];
    for (int i = 0; i < ELEMENTS; i++) {
      bits[i] = Float.floatToRawIntBits(i * factor);
    }
    ring.uploadInts(bits, ELEMENTS, memory.address());
  }

  private void launch() {
    add.begin().pointer(addend.address()).pointer(target.address()).number(ELEMENTS);
    add.run(stream, 2, 1, 1, 256, 0);
  }

  private void assertTarget(float factor) {
    float[] values = readback.read(target.address(), BYTES).toArray(ValueLayout.JAVA_FLOAT);
    for (int i = 0; i < ELEMENTS; i++) {
      assertThat(values[i]).as("element %d", i).isEqualTo(i * factor);
    }
  }

  @ParameterizedTest
  @EnumSource(EmulatedDriver.Schedule.class)
  void launchesWithNewArgumentsEachTime(EmulatedDriver.Schedule schedule) {
    emulated.schedule(schedule, 5);
    device.run(
        () -> {
          launch();
          launch();
          upload(addend, 10);
          launch();
          upload(addend, 500);
        });
    assertTarget(1012);
  }

  @Test
  void graphDoesTheSameAgain() {
    CudaGraph graph = device.call(() -> CudaGraph.capture(stream, this::launch));
    assertTarget(1000);
    device.run(
        () -> {
          graph.launch(stream);
          upload(addend, 5);
          graph.launch(stream);
        });
    assertTarget(1006);
    graph.close();
    graph.close();
  }

  @Test
  void recordingThatFailsLeavesTheStreamAsItWas() {
    assertThatThrownBy(() -> device.call(() -> CudaGraph.capture(stream, () -> upload(addend, 2))))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("An upload cannot be recorded");
    device.run(this::launch);
    assertTarget(1001);
  }

  @Test
  void argumentsAreComparedWithTheKernel() {
    assertThatThrownBy(
            () ->
                device.run(
                    () ->
                        add.begin()
                            .pointer(addend.address())
                            .pointer(target.address())
                            .integer(ELEMENTS)
                            .run(stream, 1, 1, 1, 256, 0)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "Kernel [add_in_place] takes arguments of [8, 8, 8] bytes, as cuFuncGetParamInfo says,"
                + " not [8, 8, 4]");
    assertThatThrownBy(() -> device.run(() -> add.begin().pointer(1).run(stream, 1, 1, 1, 256, 0)))
        .hasMessageContaining("not [8]");
    device.run(this::launch);
    assertTarget(1001);
  }

  @Test
  void laterLaunchesAreComparedWithTheFirst() {
    device.run(this::launch);
    assertThatThrownBy(() -> add.begin().pointer(1).integer(2))
        .hasMessageContaining("argument [1] has [4]");
    assertThatThrownBy(() -> add.begin().number(1).number(2).number(3).real(4))
        .hasMessageContaining("argument [3] has [4]");
    assertThatThrownBy(() -> device.run(() -> add.begin().number(1).run(stream, 1, 1, 1, 256, 0)))
        .hasMessage("Kernel [add_in_place] takes [3] arguments, not [1]");
    assertTarget(1001);
  }

  @Test
  void impossibleLaunchSaysItsSizes() {
    assertThatThrownBy(
            () ->
                device.run(
                    () -> {
                      add.begin().pointer(1).pointer(2).number(3);
                      add.run(stream, 1, 70_000, 1, 256, 0);
                    }))
        .isInstanceOfSatisfying(CudaException.class, e -> assertThat(e.isFatal()).isFalse())
        .hasMessageContaining(
            "cuLaunchKernel(kernel = add_in_place, grid = 1 x 70000 x 1, threads = 256,"
                + " shared bytes = 0) on CUDA device 0 failed with CUDA_ERROR_INVALID_VALUE (1)");
    device.run(this::launch);
    assertTarget(1001);
  }

  @Test
  void muchSharedMemoryIsAllowedOnceAndNotBeyondTheDevice() {
    device.run(
        () -> {
          for (int i = 0; i < 3; i++) {
            add.begin().pointer(addend.address()).pointer(target.address()).number(ELEMENTS);
            add.run(stream, 1, 1, 1, 256, 100_000);
          }
        });
    assertTarget(1003);
    assertThat(emulated.calls("cuFuncSetAttribute")).isEqualTo(1);
    add.begin().pointer(addend.address()).pointer(target.address()).number(ELEMENTS);
    assertThatThrownBy(() -> device.run(() -> add.run(stream, 1, 1, 1, 256, 300_000)))
        .hasMessageContaining("cuFuncSetAttribute(function = add_in_place")
        .hasMessageContaining("at most 232448 bytes");
  }

  @Test
  void missingKernelIsNamed() {
    assertThatThrownBy(() -> module.function("none_such"))
        .isInstanceOf(CudaException.class)
        .hasMessageContaining("cuModuleGetFunction(name = none_such)")
        .hasMessageContaining("CUDA_ERROR_NOT_FOUND");
    assertThat(module.function("add_in_place")).isSameAs(add.function());
    assertThat(add.function().registers()).isPositive();
  }

  @ParameterizedTest
  @EnumSource(EmulatedDriver.Schedule.class)
  void uploadsOfAnySizeGoThroughTheRing(EmulatedDriver.Schedule schedule) {
    emulated.schedule(schedule, 11);
    try (Arena arena = Arena.ofConfined()) {
      var source = arena.allocate(BYTES, 4);
      for (int i = 0; i < ELEMENTS; i++) {
        source.setAtIndex(ValueLayout.JAVA_FLOAT, i, 3 * i);
      }
      ring.upload(source, target.address(), BYTES);
      source.fill((byte) 0);
      ring.upload(source, addend.address(), 0);
    }
    assertTarget(3);
  }
}
