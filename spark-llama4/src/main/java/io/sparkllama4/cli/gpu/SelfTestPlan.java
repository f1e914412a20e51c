package io.sparkllama4.cli.gpu;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// What a self-test does.
///
/// @param parts those that are wanted
/// @param measures whether speeds are measured; empty for devices alone that are real
/// @param seconds that all of it may take; a check that has begun is not cut off
/// @param devices addresses of the devices that may be used, the first of which is tested; none for
///     any
/// @param presets where made checkpoints are kept
public record SelfTestPlan(
    Set<Part> parts, Optional<Boolean> measures, int seconds, List<String> devices, Path presets) {
  /// A group of checks.
  public enum Part {
    /// What the driver promises.
    DRIVER("driver"),
    /// Every kernel against plain loops.
    KERNELS("kernels"),
    /// How fast kernels are.
    SPEED("speed"),
    /// Whole models.
    END_TO_END("end_to_end");

    private final String label;

    Part(String label) {
      this.label = label;
    }

    /// Its name in options and documents.
    public String label() {
      return label;
    }
  }

  /// Keeps its own copies.
  public SelfTestPlan {
    parts = Set.copyOf(parts);
    devices = List.copyOf(devices);
  }
}
