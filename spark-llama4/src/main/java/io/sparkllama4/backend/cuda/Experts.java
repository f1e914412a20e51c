package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.GatedMlp;
import io.sparkllama4.backend.MixtureLayer;
import io.sparkllama4.backend.Span;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.Quantization;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;

/// The experts of mixtures: routing and products on the device, with nothing that goes to the host
/// in between. A shared expert of the routed ones' shape is one more group of the same products.
final class Experts {
  private final KernelSet kernels;
  private final CudaStream stream;
  private final Scratch scratch;
  private final Products products;
  private final int terms;
  private final IdentityHashMap<MixtureLayer, Groups> groups = new IdentityHashMap<>();
  private final IdentityHashMap<List<Linear>, List<List<Linear>>> parts = new IdentityHashMap<>();

  Experts(KernelSet kernels, CudaStream stream, Scratch scratch, Products products, int terms) {
    this.kernels = kernels;
    this.stream = stream;
    this.scratch = scratch;
    this.products = products;
    this.terms = terms;
  }

  /// The weights of a layer by group.
  private record Groups(List<Linear> gateUp, List<Linear> down) {}

  /// Part `index` of each layer, the same lists each time.
  List<Linear> parts(List<Linear> weights, int index) {
    return parts
        .computeIfAbsent(
            weights,
            all -> {
              List<List<Linear>> lists = new ArrayList<>();
              for (int part = 0; part < all.getFirst().parts().size(); part++) {
                int at = part;
                lists.add(all.stream().map(w -> new Linear(List.of(w.parts().get(at)))).toList());
              }
              return lists;
            })
        .get(index);
  }

  /// Whether the layer's shared expert can be a group beside the routed ones.
  boolean takesShared(MixtureLayer layer) {
    if (layer.shared().size() != 1 || layer.expertGateUp().isEmpty()) {
      return false;
    }
    GatedMlp shared = layer.shared().getFirst();
    return isAlike(shared.gateUp(), layer.expertGateUp().getFirst())
        && isAlike(shared.down(), layer.expertDown().getFirst());
  }

  private static boolean isAlike(Linear a, Linear b) {
    if (a.parts().size() != b.parts().size()) {
      return false;
    }
    for (int i = 0; i < a.parts().size(); i++) {
      Matrix x = a.parts().get(i).weight();
      Matrix y = b.parts().get(i).weight();
      boolean isSame =
          x.rows() == y.rows()
              && x.columns() == y.columns()
              && x.values().dtype() == y.values().dtype()
              && x.quantization().getClass() == y.quantization().getClass()
              && isSameGroup(x.quantization(), y.quantization());
      if (!isSame) {
        return false;
      }
    }
    return true;
  }

  private static boolean isSameGroup(Quantization a, Quantization b) {
    return !(a instanceof Quantization.Int4PerGroup(Tensor ofA, int groupA, _))
        || (b instanceof Quantization.Int4PerGroup(Tensor ofB, int groupB, _)
            && groupA == groupB
            && ofA.dtype() == ofB.dtype());
  }

  /// Chooses experts and orders their rows.
  ///
  /// @param logits F32 `[T, E]`
  /// @param withShared whether group 0 is the shared expert's
  /// @param active address of the number of tokens that count; 0 for all
  void route(Tensor logits, Span held, boolean withShared, CudaRouting routing, long active) {
    int tokens = logits.rows();
    routing.ordered(tokens, held.count(), withShared);
    if (tokens == 0) {
      return;
    }
    kernels
        .of("route_choose")
        .begin()
        .pointer(logits)
        .integer((int) logits.rowElements())
        .integer(routing.chosen())
        .pointer(routing.experts)
        .pointer(routing.scores)
        .run(stream, tokens, 1, 1, 32, 0);
    kernels
        .of("route_order")
        .begin()
        .pointer(routing.experts)
        .pointer(routing.scores)
        .integer(tokens)
        .pointer(active)
        .integer(routing.chosen())
        .integer(held.first())
        .integer(held.count())
        .integer(withShared ? 1 : 0)
        .pointer(routing.offsets)
        .pointer(routing.tiles16)
        .pointer(routing.tiles64)
        .pointer(routing.tokenOf)
        .pointer(routing.scoreOfRow)
        .pointer(routing.rowOf)
        .run(stream, 1, 1, 1, 512, 0);
  }

  /// Where `rows` rows of a gated network's inner activations go.
  PackedRows activated(int rows, int width) {
    long stride = PackedRows.strideOfOutputs(width);
    return scratch.rows(Scratch.Use.PACKED_ACTIVATED, rows, stride, terms);
  }

  /// The outputs of all groups' rows, those of a shared expert first.
  ///
  /// @param input normed tokens
  /// @return F32 `[T*k (+ T), H]`
  Tensor compute(PackedRows input, MixtureLayer layer, boolean withShared, CudaRouting routing) {
    Groups weights = groups.computeIfAbsent(layer, l -> groups(l, withShared));
    int rows = routing.mostRows();
    Linear gateUp = weights.gateUp().getFirst();
    Linear down = weights.down().getFirst();
    PackedRows activated = activated(rows, Math.toIntExact(gateUp.outputs() / 2));
    Tensor output = scratch.tensor(Scratch.Use.EXPERT_OUTPUT, DType.F32, rows, down.outputs());
    products.groupedGated(input, routing, weights.gateUp(), activated);
    products.grouped(
        activated, routing, weights.down(), output.data().address(), output.rowElements());
    return output;
  }

  private static Groups groups(MixtureLayer layer, boolean withShared) {
    List<Linear> gateUp = new ArrayList<>();
    List<Linear> down = new ArrayList<>();
    if (withShared) {
      gateUp.add(layer.shared().getFirst().gateUp());
      down.add(layer.shared().getFirst().down());
    }
    gateUp.addAll(layer.expertGateUp());
    down.addAll(layer.expertDown());
    return new Groups(List.copyOf(gateUp), List.copyOf(down));
  }

  /// Rows back in token order, those of one token added in the order of its choices.
  void scatterAdd(long rows, CudaRouting routing, Tensor output) {
    if (output.rows() > 0) {
      kernels
          .of("scatter_add")
          .begin()
          .pointer(rows)
          .pointer(routing.rowOf)
          .integer(routing.chosen())
          .integer((int) output.rowElements())
          .pointer(output)
          .run(stream, output.rows(), 1, 1, 256, 0);
    }
  }
}
