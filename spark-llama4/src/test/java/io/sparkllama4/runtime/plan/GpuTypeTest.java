package io.sparkllama4.runtime.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Cards by the names that drivers give them.
class GpuTypeTest {
  @ParameterizedTest
  @CsvSource({
    "NVIDIA A100-SXM4-80GB, 85.1e9, A100",
    "NVIDIA A100-SXM4-40GB, 42.4e9,",
    "NVIDIA A100 80GB PCIe, 85.1e9,",
    "NVIDIA L40S, 47.6e9, L40S",
    "NVIDIA H100 80GB HBM3, 85.0e9, H100",
    "NVIDIA H100 PCIe, 85.0e9,",
    "NVIDIA H100 NVL, 100e9,",
    "NVIDIA H200, 150.1e9, H200",
    "NVIDIA H200 NVL, 150.1e9,",
    "NVIDIA B200, 191e9, B200",
    "NVIDIA GeForce RTX 4090, 25.3e9,",
    "Emulated device 0, 1e9,",
  })
  void dataSheetsAreThoseOfTheCardAlone(String name, double bytes, String expected) {
    assertThat(GpuType.ofDevice(name, (long) bytes))
        .isEqualTo(Optional.ofNullable(expected).map(GpuType::named));
  }
}
