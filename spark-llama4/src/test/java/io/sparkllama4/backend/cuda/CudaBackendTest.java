package io.sparkllama4.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// A backend's calls and the device's thread.
class CudaBackendTest {
  private static final String THREAD = "llama4-cuda-0";

  @Test
  void whatIsCalledTogetherIsDoneOnTheDevicesThread() {
    try (TestDevice device = new TestDevice(EmulatedDriver.Schedule.IN_ORDER)) {
      CudaBackend backend = device.backend();
      Tensor tensor = device.memory().allocate(DType.I32, 3);
      List<String> threads = new ArrayList<>();
      backend.together(
          () -> {
            threads.add(Thread.currentThread().getName());
            backend.write(new int[] {5, 6, 7}, 3, tensor);
            backend.step(_ -> threads.add(Thread.currentThread().getName()));
          });
      assertThat(threads).containsExactly(THREAD, THREAD);
      assertThat(device.read(tensor).data().toArray(ValueLayout.JAVA_INT_UNALIGNED))
          .containsExactly(5, 6, 7);
    }
  }

  @Test
  void failureOfWhatIsCalledTogetherReachesTheCaller() {
    try (TestDevice device = new TestDevice(EmulatedDriver.Schedule.IN_ORDER)) {
      CudaBackend backend = device.backend();
      Tensor tensor = device.memory().allocate(DType.I32, 1);
      device.emulated().fail("cuMemcpyHtoDAsync_v2", 1, CudaError.INVALID_VALUE);
      assertThatThrownBy(() -> backend.together(() -> backend.write(new int[1], 1, tensor)))
          .isInstanceOf(CudaException.class)
          .hasMessageContaining("cuMemcpyHtoDAsync_v2");
    }
  }
}
