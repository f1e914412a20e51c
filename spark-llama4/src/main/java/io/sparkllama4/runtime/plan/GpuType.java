package io.sparkllama4.runtime.plan;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/// Cards with their published figures, whose sources docs/gpu.md names.
///
/// FLOP/s are those of dense matrices on tensor cores, without sparsity.
public enum GpuType {
  /// A100 SXM with 80 GB; it has no 8-bit floats.
  A100(84_800_000_000L, 2.039e12, 312e12, 0),
  /// L40S.
  L40S(48_000_000_000L, 0.864e12, 362.05e12, 733e12),
  /// H100 SXM with 80 GB.
  H100(84_800_000_000L, 3.35e12, 989e12, 1979e12),
  /// H200 SXM.
  H200(150_000_000_000L, 4.8e12, 989e12, 1979e12),
  /// B200 SXM.
  B200(180_000_000_000L, 8e12, 2250e12, 4500e12);

  /// How far drivers' figures lie from those that are planned with.
  private static final double MEMORY_SPREAD = 0.1;

  private final long memoryBytes;
  private final double bytesPerSecond;
  private final double bf16Flops;
  private final double fp8Flops;

  GpuType(long memoryBytes, double bytesPerSecond, double bf16Flops, double fp8Flops) {
    this.memoryBytes = memoryBytes;
    this.bytesPerSecond = bytesPerSecond;
    this.bf16Flops = bf16Flops;
    this.fp8Flops = fp8Flops;
  }

  /// The card of that name.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with INVALID_OPTION and the names
  public static GpuType named(String name) {
    for (GpuType type : values()) {
      if (type.name().equals(name)) {
        return type;
      }
    }
    throw ErrorReport.of(ErrorCode.INVALID_OPTION, "Cannot plan for a GPU of name [" + name + "]")
        .found(name, names())
        .key("--gpus")
        .exception();
  }

  /// The card that calls itself `name`, where that one's figures are known: cards for other slots
  /// have the same names and are slower.
  ///
  /// @param memoryBytes that the driver shows
  public static Optional<GpuType> ofDevice(String name, long memoryBytes) {
    List<String> words = List.of(name.toUpperCase(Locale.ROOT).split("[^A-Z0-9]+"));
    if (words.contains("PCIE") || words.contains("NVL")) {
      return Optional.empty();
    }
    return Arrays.stream(values())
        .filter(type -> words.contains(type.name()))
        .filter(
            type -> Math.abs(memoryBytes - type.memoryBytes) <= MEMORY_SPREAD * type.memoryBytes)
        .findFirst();
  }

  /// All names, for messages.
  static String names() {
    return Arrays.stream(values()).map(Enum::name).collect(Collectors.joining(", "));
  }

  /// Memory that programs can address, in bytes.
  public long memoryBytes() {
    return memoryBytes;
  }

  /// What the memory gives, in bytes per second.
  public double bytesPerSecond() {
    return bytesPerSecond;
  }

  /// Products and sums of bf16 matrices per second.
  public double bf16Flops() {
    return bf16Flops;
  }

  /// Products and sums of fp8 matrices per second, 0 where the card has no such instruction.
  public double fp8Flops() {
    return fp8Flops;
  }

  /// Whether the card multiplies 8-bit floats.
  public boolean computesFp8() {
    return fp8Flops > 0;
  }
}
