package io.sparkllama4.backend.check;

import io.sparkllama4.backend.Backend;
import java.util.Optional;
import java.util.SequencedMap;

/// The tests that a backend has for one of its devices. Each part opens the device anew and gives
/// everything back.
public interface DeviceTests {
  /// What a device says of itself.
  ///
  /// @param name for people
  /// @param driver version of the driver, as `12.9`
  /// @param computeCapability as `9.0`
  /// @param isEmulated whether the processor plays it: nothing is learned about speed then
  /// @param attributes numbers such as memory and clocks, by name; those that the driver knows
  record Facts(
      String name,
      String driver,
      String computeCapability,
      boolean isEmulated,
      SequencedMap<String, Long> attributes) {}

  /// What the data sheet of a card says.
  ///
  /// @param card its name
  /// @param bytesPerSecond of its memory
  /// @param bf16Flops operations per second of products of brain floats
  record DataSheet(String card, double bytesPerSecond, double bf16Flops) {}

  /// What the device says of itself.
  Facts facts();

  /// Whether the driver does what the backend, and what stands in for the driver in tests, take for
  /// granted. No check ends the context.
  void driver(CheckRun run);

  /// Every kernel against `specification`.
  ///
  /// @param specification a backend of plain loops
  void kernels(CheckRun run, Backend specification);

  /// How fast the kernels are that matter.
  ///
  /// @param sheet of the card, where it is known: nothing can be faster
  void speed(CheckRun run, Optional<DataSheet> sheet);
}
