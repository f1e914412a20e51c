package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.AttentionLayer;
import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.AttentionStep;
import io.sparkllama4.backend.BlockTables;
import io.sparkllama4.backend.FeedForwardLayer;
import io.sparkllama4.backend.GatedMlp;
import io.sparkllama4.backend.Kernels;
import io.sparkllama4.backend.KvLayer;
import io.sparkllama4.backend.MixtureLayer;
import io.sparkllama4.backend.Probe;
import io.sparkllama4.backend.Routing;
import io.sparkllama4.backend.SampleResult;
import io.sparkllama4.backend.SampleRow;
import io.sparkllama4.backend.Span;
import io.sparkllama4.backend.StepBuffers;
import io.sparkllama4.backend.StepTokens;
import io.sparkllama4.backend.Temperature;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Tensor;
import java.util.List;

/// The kernels of one device. Products, and attention, take inputs in bf16, one term or two, and
/// sum in float32; the residual stream, norms, routers and softmax are float32. Every tensor lies
/// on the device. Used on its thread.
///
/// Stages pass bf16 rows from one kernel to the next without widening them in between; the
/// primitives take and give float32.
final class CudaKernels implements Kernels, AutoCloseable {
  private static final int THREADS = 256;

  private final KernelSet kernels;
  private final CudaStream stream;
  private final Scratch scratch;
  private final int terms;
  private final Products products;
  private final Experts experts;
  private final Heads heads;
  private final CudaAttention attention;
  private final CudaSampler sampler;
  private final CudaLink link;

  /// Where the number of tokens stands that belong to a sequence of the step.
  private long active;

  /// @param terms of brain floats that an input of a product, a query and a probability are made
  ///     of, 1 or 2
  CudaKernels(KernelSet kernels, CudaStream stream, Scratch scratch, CudaLink link, int terms) {
    this.kernels = kernels;
    this.stream = stream;
    this.scratch = scratch;
    this.link = link;
    this.terms = terms;
    this.products = new Products(kernels, stream, scratch);
    this.experts = new Experts(kernels, stream, scratch, products, terms);
    this.heads = new Heads(kernels, stream);
    this.attention = new CudaAttention(kernels, stream, scratch, terms);
    this.sampler = new CudaSampler(kernels, stream, scratch);
  }

  /// One block of 256 threads to each row.
  private void eachRow(Launch launch, int rows) {
    if (rows > 0) {
      launch.run(stream, rows, 1, 1, THREADS, 0);
    }
  }

  // ---- Primitives -----------------------------------------------------------------------------

  @Override
  public void embed(Tensor ids, Tensor table, Tensor output) {
    Launch launch = kernels.of("embed").begin().pointer(ids).pointer(table);
    int type =
        switch (table.dtype()) {
          case F32 -> 0;
          case BF16 -> 1;
          case F16 -> 2;
          default -> throw new IllegalArgumentException("No embeddings of " + table.dtype());
        };
    launch.integer(type).integer((int) table.rowElements()).pointer(output);
    eachRow(launch, ids.rows());
  }

  @Override
  public void rmsNorm(Tensor input, Tensor weight, float epsilon, Tensor output) {
    norm(input, weight, epsilon, output, PackedRows.NONE);
  }

  private void norm(Tensor input, Tensor weight, float epsilon, Tensor output, PackedRows packed) {
    Launch launch = kernels.of("rms_norm").begin().pointer(input).pointer(weight);
    launch.real(epsilon).integer((int) input.rowElements()).pointer(output);
    launch.pointer(packed.address()).number(packed.stride()).number(packed.termStride());
    eachRow(launch, input.rows());
  }

  /// The normed rows in float32 and, as the products behind it read them, in bf16.
  private PackedRows packedNorm(Tensor input, Tensor weight, float epsilon, Tensor output) {
    PackedRows packed = packedInput(input.rows(), input.rowElements());
    norm(input, weight, epsilon, output, packed);
    return packed;
  }

  private PackedRows packedInput(int rows, long inputs) {
    return scratch.rows(Scratch.Use.PACKED_INPUT, rows, PackedRows.stride(inputs), terms);
  }

  private PackedRows pack(Tensor input) {
    PackedRows packed = packedInput(input.rows(), input.rowElements());
    Launch launch = kernels.of("pack_rows").begin().pointer(input);
    launch.integer((int) input.rowElements()).pointer(packed.address()).number(packed.stride());
    eachRow(launch.number(packed.termStride()), input.rows());
    return packed;
  }

  @Override
  public void normHeads(Tensor heads, int headDim, float epsilon) {
    this.heads.norm(heads, headDim, epsilon);
  }

  @Override
  public void rope(Tensor heads, Tensor positions, Tensor inverseFrequencies) {
    this.heads.rope(heads, positions, inverseFrequencies);
  }

  @Override
  public void scaleQueries(Tensor queries, Tensor positions, Temperature temperature) {
    heads.scale(queries, positions, temperature);
  }

  @Override
  public void storeKv(Tensor keys, Tensor values, Tensor slots, KvLayer cache) {
    if (slots.rows() == 0) {
      return;
    }
    Launch launch = kernels.of("store_kv").begin().pointer(keys).pointer(values).pointer(slots);
    launch.integer((int) keys.rowElements());
    launch.integer(cache.keys(0).dtype() == DType.BF16 ? 0 : 1);
    eachRow(launch.pointer(cache.keys(0)).pointer(cache.values(0)), slots.rows());
  }

  @Override
  public void attend(
      Tensor queries,
      StepTokens tokens,
      BlockTables tables,
      KvLayer cache,
      AttentionSpec spec,
      Tensor output) {
    attention.attend(queries, tokens, tables, cache, spec, output, PackedRows.NONE);
  }

  @Override
  public void matmul(Tensor input, Linear weight, Tensor output) {
    if (input.rows() == 0) {
      return;
    }
    if (Products.isExact(weight)) {
      products.exact(input, weight, output);
    } else {
      products.dense(pack(input), input.rows(), weight, output);
    }
  }

  @Override
  public void swiGlu(Tensor gateUp, Tensor output) {
    int width = (int) output.rowElements();
    if (output.rows() > 0) {
      Launch launch = kernels.of("swiglu").begin().pointer(gateUp).integer(width).pointer(output);
      launch.run(stream, output.rows(), Math.ceilDiv(width, THREADS), 1, THREADS, 0);
    }
  }

  @Override
  public void route(Tensor logits, int chosen, Span held, Routing routing) {
    experts.route(logits, held, false, (CudaRouting) routing, 0);
  }

  @Override
  public void gatherRows(Tensor input, Routing routing, Tensor output) {
    CudaRouting route = (CudaRouting) routing;
    Launch launch = kernels.of("gather_rows").begin().pointer(input).pointer(route.offsets);
    launch.integer(route.groups()).pointer(route.tokenOf).pointer(route.scoreOfRow);
    launch.integer((int) input.rowElements()).pointer(output);
    eachRow(launch, route.mostRows());
  }

  @Override
  public void groupedMatmul(Tensor input, Routing routing, List<Linear> weights, Tensor output) {
    CudaRouting route = (CudaRouting) routing;
    if (route.mostRows() == 0 || weights.isEmpty()) {
      return;
    }
    PackedRows packed = pack(input);
    long column = 0;
    for (int part = 0; part < weights.getFirst().parts().size(); part++) {
      List<Linear> parts = experts.parts(weights, part);
      long at = output.data().address() + Float.BYTES * column;
      products.grouped(packed, route, parts, at, output.rowElements());
      column += parts.getFirst().outputs();
    }
  }

  @Override
  public void scatterAdd(Tensor input, Routing routing, Tensor output) {
    experts.scatterAdd(input.data().address(), (CudaRouting) routing, output);
  }

  @Override
  public void add(Tensor addend, Tensor target) {
    add(addend, 0, target);
  }

  /// `target = target + first + second`, in this order.
  private void add(Tensor first, long second, Tensor target) {
    long elements = target.shape().elements();
    if (elements == 0) {
      return;
    }
    Launch launch = kernels.of("add_rows").begin().pointer(first).pointer(second).pointer(target);
    int blocks = Math.toIntExact(Math.ceilDiv(elements, (long) THREADS));
    launch.number(elements).run(stream, blocks, 1, 1, THREADS, 0);
  }

  @Override
  public void selectRows(Tensor input, Tensor indices, Tensor output) {
    if (indices.rows() == 0) {
      return;
    }
    boolean isInPlace = input.data().address() == output.data().address();
    Tensor target =
        isInPlace
            ? scratch.tensor(Scratch.Use.SELECTED_ROWS, DType.F32, output.shape().sizes())
            : output;
    Launch launch = kernels.of("select_rows").begin().pointer(input).pointer(indices);
    eachRow(launch.integer((int) input.rowElements()).pointer(target), indices.rows());
    if (isInPlace) {
      // Blocks run in any order: no row may be written before all have been read.
      long bytes = target.data().byteSize();
      stream.copy(target.data().address(), output.data().address(), bytes);
    }
  }

  @Override
  public List<SampleResult> sample(Tensor logits, List<SampleRow> rows) {
    return sampler.sample(logits, rows);
  }

  @Override
  public void allReduce(List<Tensor> partials) {
    link.allReduce(partials);
  }

  @Override
  public void gatherColumns(Tensor part, Tensor whole) {
    link.gatherColumns(part, whole);
  }

  // ---- Stages ---------------------------------------------------------------------------------

  @Override
  public void attentionInput(Tensor hidden, AttentionLayer layer, AttentionStep step) {
    StepTokens tokens = step.tokens();
    int count = tokens.count();
    Tensor norm = step.buffers().norm(count);
    Tensor query = step.buffers().query(count);
    Tensor key = step.buffers().key(count);
    Tensor value = step.buffers().value(count);
    PackedRows packed = packedNorm(hidden, layer.norm(), layer.epsilon(), norm);
    step.probe().see("attn_norm", norm);
    products.dense(packed, count, layer.query(), query);
    products.dense(packed, count, layer.key(), key);
    products.dense(packed, count, layer.value(), value);
    heads.shape(query, key, layer, tokens.positions());
    step.probe().see("q", query);
    step.probe().see("k", key);
    step.probe().see("v", value);
    storeKv(key, value, step.tables().slots(), step.cache());
  }

  @Override
  public void attention(Tensor hidden, AttentionLayer layer, AttentionStep step) {
    StepTokens tokens = step.tokens();
    // What fills the step up goes to no expert.
    active = tokens.queryStarts().data().address() + (long) Integer.BYTES * tokens.sequences();
    int count = tokens.count();
    Tensor query = step.buffers().query(count);
    Tensor attended = step.buffers().attended(count);
    Tensor projected = step.buffers().projected(count);
    attention.attend(
        query, tokens, step.tables(), step.cache(), layer.spec(), attended, PackedRows.NONE);
    products.dense(pack(attended), count, layer.output(), projected);
    allReduce(List.of(projected));
    step.probe().see("attn", projected);
    add(projected, hidden);
  }

  @Override
  public void feedForward(Tensor hidden, FeedForwardLayer layer, StepBuffers buffers, Probe probe) {
    Tensor norm = buffers.norm(hidden.rows());
    Tensor projected = buffers.projected(hidden.rows());
    PackedRows packed = packedNorm(hidden, layer.norm(), layer.epsilon(), norm);
    probe.see("ffn_norm", norm);
    gated(packed, hidden.rows(), layer.mlp(), projected);
    allReduce(List.of(projected));
    add(projected, hidden);
  }

  @Override
  public void gatedMlp(Tensor input, GatedMlp mlp, StepBuffers buffers, Tensor output) {
    gated(pack(input), input.rows(), mlp, output);
  }

  private void gated(PackedRows input, int rows, GatedMlp mlp, Tensor output) {
    PackedRows activated = experts.activated(rows, mlp.width());
    products.gated(input, rows, mlp.gateUp(), activated);
    products.dense(activated, rows, mlp.down(), output);
  }

  @Override
  public void mixture(Tensor hidden, MixtureLayer layer, StepBuffers buffers, Probe probe) {
    int count = hidden.rows();
    Tensor norm = buffers.norm(count);
    Tensor logits = buffers.routerLogits(count);
    Tensor routed = buffers.routed(count);
    CudaRouting routing = (CudaRouting) buffers.routing();
    PackedRows packed = packedNorm(hidden, layer.norm(), layer.epsilon(), norm);
    probe.see("ffn_norm", norm);
    products.exact(norm, layer.router(), logits);
    probe.see("router_logits", logits);
    boolean isTogether = experts.takesShared(layer);
    experts.route(logits, layer.held(), isTogether, routing, active);
    probe.see("routing", routing);
    Tensor output = experts.compute(packed, layer, isTogether, routing);
    experts.scatterAdd(output.data().address(), routing, routed);
    allReduce(List.of(routed));
    probe.see("routed", routed);
    if (isTogether) {
      Tensor shared = output.rows(count);
      allReduce(List.of(shared));
      probe.see("shared", shared);
      add(shared, routed.data().address(), hidden);
      return;
    }
    for (GatedMlp shared : layer.shared()) {
      Tensor projected = buffers.projected(count);
      gated(packed, count, shared, projected);
      allReduce(List.of(projected));
      probe.see("shared", projected);
      add(projected, hidden);
    }
    add(routed, hidden);
  }

  @Override
  public void close() {
    products.close();
    sampler.close();
  }
}
