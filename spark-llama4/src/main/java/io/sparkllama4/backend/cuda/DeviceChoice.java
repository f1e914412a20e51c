package io.sparkllama4.backend.cuda;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/// Which devices of this process are meant.
///
/// @param addresses as Spark's resources give them: a number under CUDA_VISIBLE_DEVICES, or the
///     beginning of an identity such as `GPU-8f3c`; none means every device
public record DeviceChoice(List<String> addresses) {
  private static final String KEY = "spark.executor.resource.gpu.discoveryScript";
  private static final int LEAST_PREFIX = "GPU-".length() + 4;

  /// Keeps its own copy.
  public DeviceChoice {
    addresses = List.copyOf(addresses);
  }

  /// The devices that are meant, in the order of the addresses.
  ///
  /// @param present all devices of the process
  /// @throws Llama4Exception with BACKEND_UNAVAILABLE where an address names none, several, or one
  ///     that was named before, or a device that is too old
  public List<DeviceInfo> among(List<DeviceInfo> present) {
    if (addresses.isEmpty()) {
      return present.stream().filter(DeviceInfo::isCapable).toList();
    }
    List<DeviceInfo> chosen = new ArrayList<>();
    for (String address : addresses) {
      List<DeviceInfo> named = present.stream().filter(device -> isNamed(device, address)).toList();
      if (named.size() != 1) {
        throw refused(
            address, named.isEmpty() ? "names no device" : "names several devices", present);
      }
      DeviceInfo device = named.getFirst();
      if (chosen.contains(device)) {
        throw refused(address, "names a device that was named before", present);
      }
      if (!device.isCapable()) {
        throw refused(
            address,
            "names a device of compute capability below " + DeviceInfo.LEAST_MAJOR + ".0",
            present);
      }
      chosen.add(device);
    }
    return List.copyOf(chosen);
  }

  private static boolean isNamed(DeviceInfo device, String address) {
    String wanted = address.strip();
    if (!wanted.isEmpty() && wanted.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return wanted.length() < 10 && Integer.parseInt(wanted) == device.ordinal();
    }
    // A part of a device has an identity of the same form with another beginning.
    String identity = wanted.toLowerCase(Locale.ROOT).replaceFirst("^mig-", "gpu-");
    return identity.length() >= LEAST_PREFIX
        && device.uuid().toLowerCase(Locale.ROOT).startsWith(identity);
  }

  private Llama4Exception refused(String address, String why, List<DeviceInfo> present) {
    String visible = System.getenv("CUDA_VISIBLE_DEVICES");
    return ErrorReport.of(
            ErrorCode.BACKEND_UNAVAILABLE,
            "The device address ["
                + address
                + "] "
                + why
                + "; addresses "
                + addresses
                + ", CUDA_VISIBLE_DEVICES "
                + (visible == null ? "not set" : "[" + visible + "]"))
        .found(
            present.isEmpty()
                ? "no device"
                : present.stream().map(DeviceInfo::toString).collect(Collectors.joining(", ")),
            "a number below " + present.size() + " or the beginning of an identity, each once")
        .key(KEY)
        .exception();
  }
}
