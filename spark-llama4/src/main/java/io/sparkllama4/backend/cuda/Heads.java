package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.AttentionLayer;
import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.Temperature;
import io.sparkllama4.tensor.Tensor;

/// What becomes of query and key heads between projection and attention. Used on the device's
/// thread.
final class Heads {
  private static final int MOST_DIM = 256;

  private final KernelSet kernels;
  private final CudaStream stream;

  Heads(KernelSet kernels, CudaStream stream) {
    this.kernels = kernels;
    this.stream = stream;
  }

  /// What is done to heads, in this order.
  ///
  /// @param positions of the tokens; 0 where nothing depends on them
  /// @param inverseFrequencies of the rotation; 0 for none
  /// @param normalizes whether heads are divided by their root mean square
  /// @param epsilon added to the mean square
  /// @param temperature how they grow with their position
  private record Work(
      long positions,
      long inverseFrequencies,
      boolean normalizes,
      float epsilon,
      Temperature temperature) {}

  /// As [io.sparkllama4.backend.Kernels#normHeads].
  void norm(Tensor heads, int headDim, float epsilon) {
    run(heads, headDim, new Work(0, 0, true, epsilon, Temperature.NONE));
  }

  /// As [io.sparkllama4.backend.Kernels#rope].
  void rope(Tensor heads, Tensor positions, Tensor inverseFrequencies) {
    long rates = inverseFrequencies.data().address();
    Work work = new Work(positions.data().address(), rates, false, 0, Temperature.NONE);
    run(heads, 2 * inverseFrequencies.rows(), work);
  }

  /// As [io.sparkllama4.backend.Kernels#scaleQueries].
  void scale(Tensor queries, Tensor positions, Temperature temperature) {
    // Each query is scaled as a whole, so that the kernel may take it for heads of any size.
    long width = queries.rowElements();
    int dim = 2;
    while (dim < MOST_DIM && width % (2L * dim) == 0) {
      dim *= 2;
    }
    run(queries, dim, new Work(positions.data().address(), 0, false, 0, temperature));
  }

  /// All that a layer does to its queries and keys, in one pass over each.
  void shape(Tensor query, Tensor key, AttentionLayer layer, Tensor positions) {
    AttentionSpec spec = layer.spec();
    long rates = spec.usesRope() ? layer.inverseFrequencies().data().address() : 0;
    Work work =
        new Work(
            positions.data().address(),
            rates,
            spec.normalizesHeads(),
            layer.epsilon(),
            spec.temperature());
    boolean changesKeys = spec.usesRope() || spec.normalizesHeads();
    if (changesKeys || spec.temperature().isActive()) {
      run(query, spec.headDim(), work);
    }
    if (changesKeys) {
      Work ofKeys =
          new Work(work.positions(), rates, work.normalizes(), work.epsilon(), Temperature.NONE);
      run(key, spec.headDim(), ofKeys);
    }
  }

  private void run(Tensor heads, int dim, Work work) {
    int perRow = (int) (heads.rowElements() / dim);
    int count = heads.rows() * perRow;
    if (count == 0) {
      return;
    }
    kernels
        .of("shape_heads")
        .begin()
        .pointer(heads)
        .pointer(work.positions())
        .pointer(work.inverseFrequencies())
        .integer(heads.rows())
        .integer(perRow)
        .integer(dim)
        .integer(work.normalizes() ? 1 : 0)
        .real(work.epsilon())
        .real((float) work.temperature().floorScale())
        .real((float) work.temperature().scale())
        .run(stream, Math.ceilDiv(count, 4), 1, 1, 128, 0);
  }
}
