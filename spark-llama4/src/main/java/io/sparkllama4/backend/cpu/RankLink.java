package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.Tensor;
import java.util.List;

/// What ties one rank to the others that share its model. Called from the rank's thread, by all
/// ranks of a step in the same order.
interface RankLink {
  /// The link of a rank that has all of the model.
  RankLink ALONE =
      new RankLink() {
        @Override
        public void allReduce(List<Tensor> partials, Adder adder) {
          // The partial sum is the sum.
        }

        @Override
        public void gatherColumns(Tensor part, Tensor whole) {
          // The part is the whole.
        }
      };

  /// Adds some elements of one tensor to those of another.
  interface Adder {
    /// `target += addend`, for `elements` floats from byte `offset` on.
    void add(Tensor addend, Tensor target, long offset, long elements);
  }

  /// As [io.sparkllama4.backend.Kernels#allReduce].
  void allReduce(List<Tensor> partials, Adder adder);

  /// As [io.sparkllama4.backend.Kernels#gatherColumns].
  void gatherColumns(Tensor part, Tensor whole);
}
