package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.AttentionLayer;
import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.BlockTables;
import io.sparkllama4.backend.GatedMlp;
import io.sparkllama4.backend.KvLayer;
import io.sparkllama4.backend.MixtureLayer;
import io.sparkllama4.backend.Probe;
import io.sparkllama4.backend.Routing;
import io.sparkllama4.backend.SampleResult;
import io.sparkllama4.backend.SampleRow;
import io.sparkllama4.backend.StepBuffers;
import io.sparkllama4.backend.StepTokens;
import io.sparkllama4.backend.Temperature;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import java.util.List;

/// The kernels on matrices in panels and several threads; what a thread computes is [PanelMath]'s,
/// native or on the Java Vector API.
///
/// What takes time is overridden here: products, attention, norms, activations. The rest is what
/// [ScalarKernels] says, for several rows at a time.
final class FastKernels extends ScalarKernels implements AutoCloseable {
  /// Elements below which waking another thread costs more than it brings.
  private static final long SERIAL_ELEMENTS = 1 << 14;

  /// Pieces per thread, so that a thread that was held up leaves its share to the others.
  private static final int PIECES = 4;

  private final CpuPool pool;
  private final PanelMath math;
  private final PanelProducts products;
  private final PanelAttention attention;
  private final RotaryTable turns = new RotaryTable();
  private final NativeArena arena = new NativeArena();

  /// Ones, as many as a head is wide: the norm of heads is that of rows without a weight.
  private Tensor ones = arena.allocate(DType.F32, 0);

  FastKernels(CpuPool pool, PanelMath math, PanelAttention attention) {
    this(pool, math, attention, RankLink.ALONE);
  }

  /// The kernels of one of several ranks.
  FastKernels(CpuPool pool, PanelMath math, PanelAttention attention, RankLink link) {
    super(link);
    this.pool = pool;
    this.math = math;
    this.products = new PanelProducts(pool, math);
    this.attention = attention;
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
    forExperts(
        routing, weights, (weight, first, end) -> products.add(input, first, end, weight, output));
    products.run();
  }

  private interface ExpertRows {
    void take(Linear weight, int first, int end);
  }

  private static void forExperts(Routing routing, List<Linear> weights, ExpertRows rows) {
    CpuRouting route = (CpuRouting) routing;
    for (int expert = 0; expert < weights.size(); expert++) {
      int first = route.firstRow(expert);
      int end = route.firstRow(expert + 1);
      if (first < end) {
        rows.take(weights.get(expert), first, end);
      }
    }
  }

  /// The three projections read the same tokens: quantised once, and all threads stay busy.
  @Override
  public void projectInput(
      Tensor norm, AttentionLayer layer, Tensor query, Tensor key, Tensor value) {
    products.clear();
    products.add(norm, 0, norm.rows(), layer.query(), query);
    products.add(norm, 0, norm.rows(), layer.key(), key);
    products.add(norm, 0, norm.rows(), layer.value(), value);
    products.run();
  }

  @Override
  public void gatedMlp(Tensor input, GatedMlp mlp, StepBuffers buffers, Tensor output) {
    Tensor activated = buffers.activated(input.rows(), mlp.width()); // [T, F]
    products.clear();
    products.addGated(input, 0, input.rows(), mlp.gateUp(), activated);
    products.run();
    matmul(activated, mlp.down(), output);
  }

  /// The shared expert runs with the routed ones, as one expert more; gate, up and activation are
  /// one piece of work.
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
    route(logits, layer.chosen(), layer.held(), routing);
    probe.see("routing", routing);
    Tensor gathered = buffers.gathered(rows); // [T*k, H]
    Tensor activated = buffers.expertActivated(rows); // [T*k, F]
    Tensor sharedActivated = buffers.activated(count, shared.width()); // [T, S]
    gatherRows(norm, routing, gathered);
    products.clear();
    products.addGated(norm, 0, count, shared.gateUp(), sharedActivated);
    forExperts(
        routing,
        layer.expertGateUp(),
        (weight, first, end) -> products.addGated(gathered, first, end, weight, activated));
    products.run();
    Tensor output = buffers.expertOutput(rows); // [T*k, H]
    products.clear();
    products.add(sharedActivated, 0, count, shared.down(), projected);
    forExperts(
        routing,
        layer.expertDown(),
        (weight, first, end) -> products.add(activated, first, end, weight, output));
    products.run();
    scatterAdd(output, routing, routed);
    allReduce(List.of(routed, projected));
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
    attention.attend(queries, tokens, tables, cache, spec, output);
  }

  private interface RowRange {
    void run(int first, int end);
  }

  /// Runs `body` on ranges of `rows`, on several threads where there is enough to do.
  private void forRows(int rows, long rowElements, RowRange body) {
    int pieces = rows * rowElements < SERIAL_ELEMENTS ? 1 : Math.min(rows, PIECES * pool.threads());
    if (pieces == 1) {
      body.run(0, rows);
      return;
    }
    pool.run(
        pieces,
        (piece, worker) ->
            body.run((int) ((long) piece * rows / pieces), (int) ((piece + 1L) * rows / pieces)));
  }

  @Override
  public void rmsNorm(Tensor input, Tensor weight, float epsilon, Tensor output) {
    PanelMath.Rows from = PanelMath.Rows.of(input);
    PanelMath.Rows to = PanelMath.Rows.of(output);
    forRows(
        input.rows(),
        input.rowElements(),
        (first, end) ->
            math.rmsNorm(from.slice(first, end), weight, epsilon, to.slice(first, end)));
  }

  @Override
  public void swiGlu(Tensor gateUp, Tensor output) {
    long width = output.rowElements();
    PanelMath.Rows gate = PanelMath.Rows.of(gateUp);
    PanelMath.Rows to = PanelMath.Rows.of(output);
    forRows(
        output.rows(),
        width,
        (first, end) ->
            math.swiGlu(
                gate.slice(first, end),
                gate.from(width).slice(first, end),
                width,
                to.slice(first, end)));
  }

  @Override
  public void gatherRows(Tensor input, Routing routing, Tensor output) {
    CpuRouting route = (CpuRouting) routing;
    forRows(
        route.rows(),
        output.rowElements(),
        (first, end) -> RowMath.gather(input, route, output, first, end));
  }

  @Override
  public void scatterAdd(Tensor input, Routing routing, Tensor output) {
    CpuRouting route = (CpuRouting) routing;
    forRows(
        output.rows(),
        output.rowElements(),
        (first, end) -> RowMath.scatter(input, route, output, first, end));
  }

  @Override
  public void storeKv(Tensor keys, Tensor values, Tensor slots, KvLayer cache) {
    forRows(
        slots.rows(),
        2 * keys.rowElements(),
        (first, end) -> RowMath.store(keys, values, slots, cache, first, end));
  }

  @Override
  public void add(Tensor addend, Tensor target) {
    long width = target.rowElements();
    forRows(
        target.rows(),
        width,
        (first, end) -> math.add(addend, target, 4L * first * width, (end - first) * width));
  }

  @Override
  void addElements(Tensor addend, Tensor target, long offset, long elements) {
    math.add(addend, target, offset, elements);
  }

  @Override
  public void normHeads(Tensor heads, int headDim, float epsilon) {
    if (ones.size(0) != headDim) {
      ones = arena.allocate(DType.F32, headDim);
      for (int i = 0; i < headDim; i++) {
        ones.set(i, 1f);
      }
    }
    int each = Math.toIntExact(heads.rowElements() / headDim);
    PanelMath.Rows rows = new PanelMath.Rows(heads.data(), 0, 4L * headDim, heads.rows() * each);
    forRows(
        heads.rows(),
        heads.rowElements(),
        (first, end) -> {
          PanelMath.Rows some = rows.slice(first * each, end * each);
          math.rmsNorm(some, ones, epsilon, some);
        });
  }

  @Override
  public void rope(Tensor heads, Tensor positions, Tensor inverseFrequencies) {
    turns.prepare(positions, inverseFrequencies);
    forRows(heads.rows(), 2 * heads.rowElements(), (first, end) -> turns.rotate(heads, first, end));
  }

  @Override
  public void scaleQueries(Tensor queries, Tensor positions, Temperature temperature) {
    forRows(
        queries.rows(),
        queries.rowElements(),
        (first, end) ->
            super.scaleQueries(
                queries.rows(first, end - first), positions.rows(first, end - first), temperature));
  }

  /// Every row of logits is as long as the vocabulary, and each is on its own.
  @Override
  public List<SampleResult> sample(Tensor logits, List<SampleRow> rows) {
    SampleResult[] results = new SampleResult[rows.size()];
    forRows(
        rows.size(),
        logits.rowElements(),
        (first, end) -> {
          List<SampleResult> part =
              super.sample(logits.rows(first, end - first), rows.subList(first, end));
          for (int row = first; row < end; row++) {
            results[row] = part.get(row - first);
          }
        });
    return List.of(results);
  }

  @Override
  public void close() {
    products.close();
    attention.close();
    arena.close();
  }
}
