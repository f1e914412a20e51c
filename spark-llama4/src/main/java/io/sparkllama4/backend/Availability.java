package io.sparkllama4.backend;

import java.util.List;

/// Whether a backend can work on this machine, and if not, all the reasons.
public sealed interface Availability {
  /// It can.
  ///
  /// @param kernels the path that `auto` takes
  /// @param reasons what the path is made of, or why a faster one is not taken
  record Available(String kernels, List<String> reasons) implements Availability {}

  /// It cannot.
  ///
  /// @param reasons what is missing, each with what would help
  record Unavailable(List<String> reasons) implements Availability {}

  /// Why not, or why not faster.
  List<String> reasons();
}
