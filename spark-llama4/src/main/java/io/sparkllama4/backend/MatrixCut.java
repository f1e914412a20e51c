package io.sparkllama4.backend;

import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// What of a stored layer becomes one part of a placed one.
///
/// @param part of the stored layer
/// @param block what of its matrix is placed
public record MatrixCut(Linear.Part part, MatrixBlock block) {
  /// The parts of a placed layer, in their order.
  ///
  /// @param placement what of the layer a rank holds
  /// @param parts that it has: where `stored` has one and two are asked for, it is cut into halves
  public static List<MatrixCut> of(Linear stored, Placement placement, int parts) {
    List<MatrixCut> cuts = new ArrayList<>();
    int each = stored.parts().size() == parts ? 1 : parts;
    for (Linear.Part part : stored.parts()) {
      int rows = Math.toIntExact(part.weight().rows() / each);
      Span outputs = placement.rows(rows);
      Span inputs = placement.columns(Math.toIntExact(part.weight().columns()));
      for (int cut = 0; cut < each; cut++) {
        Span held = new Span(cut * rows + outputs.first(), cut * rows + outputs.end());
        cuts.add(new MatrixCut(part, new MatrixBlock(part.weight(), held, inputs)));
      }
    }
    return cuts;
  }

  /// The biases of the outputs, where the block begins with the first input.
  public Tensor bias() {
    return part.hasBias() && block.columns().first() == 0
        ? part.bias().rows(block.rows().first(), block.rows().count())
        : Linear.NO_BIAS;
  }
}
