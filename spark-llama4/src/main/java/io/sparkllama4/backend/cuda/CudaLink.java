package io.sparkllama4.backend.cuda;

import io.sparkllama4.tensor.Tensor;
import java.util.List;

/// What ties a device to others that share a model.
interface CudaLink {
  /// A model on one device.
  CudaLink ALONE =
      new CudaLink() {
        @Override
        public void allReduce(List<Tensor> partials) {
          // The sum over one device.
        }

        @Override
        public void gatherColumns(Tensor part, Tensor whole) {
          // The part is the whole.
        }
      };

  /// Waits until everything that this rank has given its stream is done.
  default void await(CudaStream stream) {
    stream.synchronize();
  }

  /// This rank has failed, and gives the others nothing more in this step. On its device's thread.
  default void fail() {
    // Ranks that meet on the host are told there.
  }

  /// As [io.sparkllama4.backend.Kernels#allReduce].
  void allReduce(List<Tensor> partials);

  /// As [io.sparkllama4.backend.Kernels#gatherColumns].
  void gatherColumns(Tensor part, Tensor whole);
}
