package io.sparkllama4.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sparkllama4.backend.cuda.ffi.NativeLibrary;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.Llama4Exception;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Whether there are devices, why not, and which of them are meant.
class CudaFinderTest {
  private final EmulatedDriver emulated = EmulatedDriver.fresh();

  @AfterEach
  void reset() {
    emulated.reset();
  }

  private List<DeviceInfo> devices(int count) {
    emulated.devices(count);
    return CudaFinder.find(EmulatedDriver.sources()).devices();
  }

  private static List<Integer> chosen(List<DeviceInfo> present, String... addresses) {
    return new DeviceChoice(List.of(addresses))
        .among(present).stream().map(DeviceInfo::ordinal).toList();
  }

  @Test
  void findsDevices() {
    emulated.devices(3);
    CudaFinder.Found found = CudaFinder.find(EmulatedDriver.sources());
    assertThat(found.isUsable()).isTrue();
    assertThat(found.driver()).isPresent();
    assertThat(found.devices()).extracting(DeviceInfo::ordinal).containsExactly(0, 1, 2);
    assertThat(found.devices()).extracting(DeviceInfo::uuid).doesNotHaveDuplicates();
    assertThat(emulated.calls("cuDevicePrimaryCtxRetain")).as("contexts").isZero();
  }

  @Test
  void missingLibraryIsAReason() {
    CudaFinder.Found found =
        CudaFinder.find(
            new NativeLibrary.Sources("some.key", "NO_SUCH_VARIABLE", List.of("libnone-such.so")));
    assertThat(found.isUsable()).isFalse();
    assertThat(found.driver()).isEmpty();
    assertThat(found.reasons().getFirst())
        .startsWith("no CUDA driver: cannot open [libnone-such.so]")
        .contains("some.key");
  }

  @Test
  void libraryOfAnotherKindIsAReason() {
    CudaFinder.Found found =
        CudaFinder.find(
            new NativeLibrary.Sources("some.key", "NO_SUCH_VARIABLE", List.of("libm.so.6")));
    assertThat(found.reasons()).hasSize(1);
    assertThat(found.reasons().getFirst()).contains("[libm.so.6] has no function cuInit");
  }

  @Test
  void driverThatDoesNotStartIsAReason() {
    emulated.fail("cuInit", 1, CudaError.SYSTEM_DRIVER_MISMATCH);
    CudaFinder.Found found = CudaFinder.find(EmulatedDriver.sources());
    assertThat(found.isUsable()).isFalse();
    assertThat(found.reasons().getFirst())
        .contains("cuInit() failed with CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (803)")
        .contains("restart the host after a driver update");
  }

  @Test
  void noDeviceIsAReason() {
    emulated.devices(0);
    assertThat(CudaFinder.find(EmulatedDriver.sources()).reasons().getFirst())
        .contains("CUDA_ERROR_NO_DEVICE (100)")
        .contains("CUDA_VISIBLE_DEVICES");
  }

  @Test
  void oldDeviceIsAReason() {
    emulated.computeCapability(75);
    CudaFinder.Found found = CudaFinder.find(EmulatedDriver.sources());
    assertThat(found.isUsable()).isFalse();
    assertThat(found.devices()).hasSize(1);
    assertThat(found.reasons().getFirst())
        .contains("Emulated device 0, compute capability 7.5")
        .contains("need compute capability 8.0 or newer");
    assertThat(chosen(found.devices())).isEmpty();
    assertThatThrownBy(() -> chosen(found.devices(), "0"))
        .hasMessageContaining("compute capability below 8.0");
  }

  @Test
  void addressesAreNumbersOrIdentities() {
    List<DeviceInfo> present = devices(3);
    assertThat(chosen(present)).containsExactly(0, 1, 2);
    assertThat(chosen(present, "2", "0")).containsExactly(2, 0);
    assertThat(chosen(present, present.get(1).uuid())).containsExactly(1);
    assertThat(chosen(present, present.get(1).uuid().substring(0, 12), " 0 "))
        .containsExactly(1, 0);
    assertThat(chosen(present, present.get(2).uuid().replace("GPU-", "MIG-"))).containsExactly(2);
  }

  @ParameterizedTest
  @CsvSource({
    "3, names no device",
    "99999999999, names no device",
    "-1, names no device",
    "GPU, names no device",
    "'', names no device",
    "GPU-ffffffff, names no device"
  })
  void wrongAddressSaysWhatIsThere(String address, String why) {
    List<DeviceInfo> present = devices(3);
    assertThatThrownBy(() -> chosen(present, "1", address))
        .isInstanceOfSatisfying(
            Llama4Exception.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.BACKEND_UNAVAILABLE))
        .hasMessageContaining("The device address [" + address + "] " + why)
        .hasMessageContaining("addresses [1, " + address + "]")
        .hasMessageContaining("CUDA_VISIBLE_DEVICES")
        .hasMessageContaining("device 2 (Emulated device 2")
        .hasMessageContaining("spark.executor.resource.gpu.discoveryScript");
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "GPU-"})
  void deviceIsMeantOnce(String again) {
    List<DeviceInfo> present = devices(2);
    String second = again.equals("1") ? again : present.get(1).uuid();
    assertThatThrownBy(() -> chosen(present, "1", second))
        .hasMessageContaining("names a device that was named before");
  }
}
