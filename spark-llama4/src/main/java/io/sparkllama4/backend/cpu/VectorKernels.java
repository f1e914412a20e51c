package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.AttentionLayer;
import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.BlockTables;
import io.sparkllama4.backend.GatedMlp;
import io.sparkllama4.backend.KvLayer;
import io.sparkllama4.backend.MixtureLayer;
import io.sparkllama4.backend.Probe;
import io.sparkllama4.backend.Routing;
import io.sparkllama4.backend.StepBuffers;
import io.sparkllama4.backend.StepTokens;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import jdk.incubator.vector.FloatVector;

/// The kernels on the Java Vector API and several threads, for any vector width.
///
/// What takes time is overridden here: products, attention, norms, activations. The rest is what
/// [ScalarKernels] says. Weights are read in the form in which they are stored.
final class VectorKernels extends ScalarKernels {
  /// Elements below which waking another thread costs more than it brings.
  private static final long SERIAL_ELEMENTS = 1 << 14;

  /// Pieces per thread, so that a thread that was held up leaves its share to the others.
  private static final int PIECES = 4;

  private final CpuPool pool;
  private final Products products;
  private final List<VectorAttention> attentions = new ArrayList<>();

  VectorKernels(CpuPool pool) {
    this.pool = pool;
    this.products = new Products(pool);
    for (int worker = 0; worker < pool.threads(); worker++) {
      attentions.add(new VectorAttention());
    }
  }

  @Override
  public void matmul(Tensor input, Linear weight, Tensor output) {
    products.clear();
    products.add(input, 0, input.rows(), weight, output);
    products.run();
  }

  @Override
  public void groupedMatmul(Tensor input, Routing routing, List<Linear> weights, Tensor output) {
    products.clear();
    addGrouped(input, routing, weights, output);
    products.run();
  }

  private void addGrouped(Tensor input, Routing routing, List<Linear> weights, Tensor output) {
    CpuRouting route = (CpuRouting) routing;
    for (int expert = 0; expert < weights.size(); expert++) {
      int first = route.firstRow(expert);
      int end = route.firstRow(expert + 1);
      if (first < end) {
        products.add(input, first, end, weights.get(expert), output);
      }
    }
  }

  /// The three projections read the same tokens: packed once, and all threads stay busy.
  @Override
  public void projectInput(
      Tensor norm, AttentionLayer layer, Tensor query, Tensor key, Tensor value) {
    products.clear();
    products.add(norm, 0, norm.rows(), layer.query(), query);
    products.add(norm, 0, norm.rows(), layer.key(), key);
    products.add(norm, 0, norm.rows(), layer.value(), value);
    products.run();
  }

  /// The shared expert runs with the routed ones, as one expert more.
  @Override
  public void mixture(Tensor hidden, MixtureLayer layer, StepBuffers buffers, Probe probe) {
    if (layer.shared().size() != 1) {
      super.mixture(hidden, layer, buffers, probe);
      return;
    }
    GatedMlp shared = layer.shared().getFirst();
    int count = hidden.rows();
    int rows = count * layer.chosen();
    Tensor norm = buffers.norm(count); // [T, H]
    Tensor logits = buffers.routerLogits(count); // [T, E]
    Tensor routed = buffers.routed(count); // [T, H]
    Tensor projected = buffers.projected(count); // [T, H]
    Routing routing = buffers.routing();
    rmsNorm(hidden, layer.norm(), layer.epsilon(), norm);
    probe.see("ffn_norm", norm);
    matmul(norm, layer.router(), logits);
    probe.see("router_logits", logits);
    route(logits, layer.chosen(), routing);
    probe.see("routing", routing);
    gatherRows(norm, routing, buffers.gathered(rows)); // [T*k, H]
    Tensor gateUp = buffers.expertGateUp(rows); // [T*k, 2F]
    Tensor activated = buffers.expertActivated(rows); // [T*k, F]
    Tensor sharedGateUp = buffers.gateUp(count, shared.width()); // [T, 2S]
    Tensor sharedActivated = buffers.activated(count, shared.width()); // [T, S]
    products.clear();
    addGrouped(buffers.gathered(rows), routing, layer.expertGateUp(), gateUp);
    products.add(norm, 0, count, shared.gateUp(), sharedGateUp);
    products.run();
    swiGlu(gateUp, activated);
    swiGlu(sharedGateUp, sharedActivated);
    products.clear();
    addGrouped(activated, routing, layer.expertDown(), buffers.expertOutput(rows));
    products.add(sharedActivated, 0, count, shared.down(), projected);
    products.run();
    scatterAdd(buffers.expertOutput(rows), routing, routed);
    allReduce(routed);
    allReduce(projected);
    probe.see("routed", routed);
    probe.see("shared", projected);
    add(projected, hidden);
    add(routed, hidden);
  }

  @Override
  public void attend(
      Tensor queries,
      StepTokens tokens,
      BlockTables tables,
      KvLayer cache,
      AttentionSpec spec,
      Tensor output) {
    int[] sequenceOf = new int[tokens.count()];
    for (int s = 0; s < tokens.sequences(); s++) {
      for (int t = tokens.queryStarts().intAt(s); t < tokens.queryStarts().intAt(s + 1); t++) {
        sequenceOf[t] = s;
      }
    }
    pool.run(
        tokens.count() * spec.kvHeads(),
        (task, worker) -> {
          int t = task / spec.kvHeads();
          var token = new VectorAttention.Token(t, tokens.positions().intAt(t), sequenceOf[t]);
          attentions
              .get(worker)
              .run(queries, output, token, task % spec.kvHeads(), tables, cache, spec);
        });
  }

  /// Runs `body` for each of `rows`, on several threads where there is enough to do.
  private void forRows(int rows, long rowElements, java.util.function.IntConsumer body) {
    int pieces = rows * rowElements < SERIAL_ELEMENTS ? 1 : Math.min(rows, PIECES * pool.threads());
    pool.run(
        pieces,
        (piece, worker) -> {
          int end = (int) ((piece + 1L) * rows / pieces);
          for (int row = (int) ((long) piece * rows / pieces); row < end; row++) {
            body.accept(row);
          }
        });
  }

  @Override
  public void rmsNorm(Tensor input, Tensor weight, float epsilon, Tensor output) {
    long width = input.rowElements();
    forRows(input.rows(), width, row -> normRow(input, weight, epsilon, output, row));
  }

  private static void normRow(Tensor input, Tensor weight, float epsilon, Tensor output, int row) {
    int width = Math.toIntExact(input.rowElements());
    int whole = width - width % Lanes.COUNT;
    long at = 4L * row * width;
    MemorySegment x = input.data();
    FloatVector squares = FloatVector.zero(Lanes.FLOATS);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      FloatVector v = Lanes.floats(x, at + 4L * i);
      squares = v.fma(v, squares);
    }
    if (whole < width) {
      FloatVector v = Lanes.floats(x, at + 4L * whole, width - whole);
      squares = v.fma(v, squares);
    }
    float scale = (float) (1 / Math.sqrt(Lanes.sum(squares) / width + epsilon));
    for (int i = 0; i < width; i++) {
      long index = (long) row * width + i;
      output.set(index, input.at(index) * scale * weight.decode(i));
    }
  }

  @Override
  public void swiGlu(Tensor gateUp, Tensor output) {
    forRows(output.rows(), output.rowElements(), row -> swiGluRow(gateUp, output, row));
  }

  private static void swiGluRow(Tensor gateUp, Tensor output, int row) {
    int width = Math.toIntExact(output.rowElements());
    int whole = width - width % Lanes.COUNT;
    long gate = 8L * row * width;
    long up = gate + 4L * width;
    long at = 4L * row * width;
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      FloatVector activated = VectorMath.silu(Lanes.floats(gateUp.data(), gate + 4L * i));
      Lanes.store(
          activated.mul(Lanes.floats(gateUp.data(), up + 4L * i)), output.data(), at + 4L * i);
    }
    if (whole < width) {
      int rest = width - whole;
      FloatVector activated = VectorMath.silu(Lanes.floats(gateUp.data(), gate + 4L * whole, rest));
      Lanes.store(
          activated.mul(Lanes.floats(gateUp.data(), up + 4L * whole, rest)),
          output.data(),
          at + 4L * whole,
          rest);
    }
  }
}
