package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.Availability;
import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.BackendOptions;
import io.sparkllama4.backend.check.DeviceTests;
import io.sparkllama4.backend.check.DeviceTestsProvider;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.tensor.DType;
import java.util.ArrayList;
import java.util.List;

/// Opens CUDA devices, on machines that have one.
public final class CudaProvider implements DeviceTestsProvider {
  @Override
  public String name() {
    return "cuda";
  }

  /// Before the processor.
  @Override
  public int rank() {
    return 1;
  }

  @Override
  public Availability availability() {
    CudaFinder.Found found = CudaFinder.find();
    return found.isUsable()
        ? new Availability.Available(
            "cuda", found.devices().stream().map(DeviceInfo::toString).toList())
        : new Availability.Unavailable(found.reasons());
  }

  @Override
  public void check(BackendOptions options) {
    if (!options.kernels().equals("auto")) {
      throw ErrorReport.of(
              ErrorCode.INVALID_OPTION,
              "Kernels [" + options.kernels() + "] are the processor's; a device has its own")
          .found(options.kernels(), "auto with --backend cuda")
          .key("--kernels")
          .exception();
    }
    options.requireKvDtype("cuda", List.of("auto", "bf16", "fp8"));
  }

  /// @param found what was asked for, `expected` what could be
  private static CudaFinder.Found usable(String key, String found, String expected) {
    CudaFinder.Found devices = CudaFinder.find();
    if (!devices.isUsable()) {
      throw ErrorReport.of(
              ErrorCode.BACKEND_UNAVAILABLE,
              "Cannot open backend [cuda]: " + String.join("; ", devices.reasons()))
          .found(found, expected)
          .key(key)
          .exception();
    }
    return devices;
  }

  @Override
  public DeviceTests deviceTests(List<String> devices) {
    CudaFinder.Found found =
        usable(
            "spark.llama4.cuda.library", "no device", "a GPU of compute capability 8.0 or newer");
    try {
      return new CudaSelfTest(
          found.driver().orElseThrow(), new DeviceChoice(devices).among(found.devices()));
    } catch (Llama4Exception e) {
      // Spark's resources gave no address here.
      throw e.report().key("--device").exception(e);
    }
  }

  @Override
  public Backend open(BackendOptions options) {
    check(options);
    CudaFinder.Found found = usable("--backend", "cuda", "auto, cpu");
    List<DeviceInfo> chosen = new DeviceChoice(options.devices()).among(found.devices());
    if (chosen.size() < options.ranks()) {
      throw ErrorReport.of(
              ErrorCode.BACKEND_UNAVAILABLE,
              "Cannot share the model among [" + options.ranks() + "] devices: there are " + chosen)
          .found(options.ranks(), "1 to " + chosen.size())
          .key("--ranks")
          .exception();
    }
    DType kvType = options.kvDtype().equals("fp8") ? DType.F8_E4M3 : DType.BF16;
    List<CudaDevice> devices = new ArrayList<>();
    try {
      for (DeviceInfo info : chosen.subList(0, options.ranks())) {
        devices.add(CudaDevice.open(found.driver().orElseThrow(), info.ordinal()));
      }
      return CudaRanks.open(
          devices, new CudaRanks.Settings(KernelArchive.open(), kvType, options.strict()));
    } catch (RuntimeException | Error e) {
      Failures failures = new Failures(e);
      devices.forEach(device -> failures.attempt(device::close));
      throw e;
    }
  }
}
