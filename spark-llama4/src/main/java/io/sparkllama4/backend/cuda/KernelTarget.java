package io.sparkllama4.backend.cuda;

import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// What the kernels are compiled for.
public enum KernelTarget {
  /// Machine code for devices of compute capability 8.x.
  SM_80("sm_80", 8),
  /// Machine code for devices of compute capability 9.x.
  SM_90("sm_90", 9),
  /// Machine code for devices of compute capability 10.x.
  SM_100("sm_100", 10),
  /// PTX, which the driver compiles for any device of compute capability 8.0 or newer.
  COMPUTE_80("compute_80", 8);

  /// Integrated devices, times ten: machine code for others of their major number is not theirs.
  private static final Set<Integer> INTEGRATED = Set.of(87, 101);

  private final String architecture;
  private final int major;

  KernelTarget(String architecture, int major) {
    this.architecture = architecture;
    this.major = major;
  }

  /// The target as the compiler calls it, which is also its folder in the archive.
  public String architecture() {
    return architecture;
  }

  /// The first number of the compute capability that it is compiled for.
  public int major() {
    return major;
  }

  /// Whether images are machine code, else PTX.
  public boolean isMachineCode() {
    return this != COMPUTE_80;
  }

  /// What a device of compute capability `major`.`minor` runs: machine code for its major number,
  /// which every minor number runs, else PTX; nothing where [refusal] has a reason.
  public static Optional<KernelTarget> of(int major, int minor) {
    if (refusal(major, minor).isPresent()) {
      return Optional.empty();
    }
    if (!INTEGRATED.contains(major * 10 + minor)) {
      for (KernelTarget target : values()) {
        if (target.major == major && target.isMachineCode()) {
          return Optional.of(target);
        }
      }
    }
    return Optional.of(COMPUTE_80);
  }

  /// Why a device of compute capability `major`.`minor` cannot run the kernels.
  public static Optional<String> refusal(int major, int minor) {
    return major >= COMPUTE_80.major
        ? Optional.empty()
        : Optional.of(
            String.format(
                Locale.ROOT,
                "The device has compute capability %d.%d; the kernels need 8.0 or newer"
                    + " (A100, RTX 30 and later): products of brain floats on tensor cores and"
                    + " asynchronous copies",
                major,
                minor));
  }
}
