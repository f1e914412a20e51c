package io.sparkllama4.engine;

import java.util.ArrayList;
import java.util.List;

/// Which tokens of which sequences the next step computes.
///
/// @param slices in the order in which they stand in the step
record StepPlan(List<Slice> slices) {
  /// Consecutive tokens of one sequence, its drafts last.
  ///
  /// @param sequence whose
  /// @param start position of the first
  /// @param count how many
  record Slice(Sequence sequence, int start, int count) {
    /// True where the slice reaches the sequence's last token, so that the next one can be sampled.
    boolean reachesEnd() {
      return start + count >= sequence.length();
    }
  }

  StepPlan() {
    this(new ArrayList<>());
  }

  boolean isEmpty() {
    return slices.isEmpty();
  }

  int tokens() {
    int tokens = 0;
    for (Slice slice : slices) {
      tokens += slice.count();
    }
    return tokens;
  }

  void remove(Sequence sequence) {
    slices.removeIf(slice -> slice.sequence() == sequence);
  }
}
