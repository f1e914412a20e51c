package io.sparkllama4.backend;

import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Tensor;
import java.util.List;

/// The vocabulary of a decoder, in two tiers.
///
/// *Primitives* are what a backend must provide; the plain scalar form of each is its
/// specification. *Stages* are compositions of primitives and read as the definition of a layer; a
/// fast backend overrides a stage to fuse it, and is tested against the default.
///
/// T tokens of a step, H hidden, D head dimension, Q and K heads, E experts, k chosen, F expert
/// width, V vocabulary, R rows of logits. Activations are F32. No result depends on what else
/// shares the step: a row of an output is a function of the same row of the inputs and of the
/// weights, its sums taken in an order that the weights' shapes alone decide.
///
/// Kernels are called from one thread. Ranks that share a model have kernels each, and the weights
/// that a [Placement] gives them: Q, K and F are then those of the rank. Stages mention ranks only
/// where these exchange what they have made: [#allReduce], [#gatherColumns].
public interface Kernels {

  // ---- Primitives -----------------------------------------------------------------------------

  /// `output[t] = table[ids[t]]`.
  ///
  /// @param ids I32 `[T]`, each in 0..V-1
  /// @param table `[V, H]`, any wide float
  /// @param output `[T, H]`
  void embed(Tensor ids, Tensor table, Tensor output);

  /// `output = input / sqrt(mean(input^2) + epsilon) * weight`, row by row.
  ///
  /// @param input `[T, H]`
  /// @param weight `[H]`, any wide float
  /// @param output `[T, H]`, may be `input`
  void rmsNorm(Tensor input, Tensor weight, float epsilon, Tensor output);

  /// `u = u / sqrt(mean(u^2) + epsilon)` for every head u, in place.
  ///
  /// @param heads `[T, heads*D]`
  void normHeads(Tensor heads, int headDim, float epsilon);

  /// Rotates adjacent pairs: with `a = position * inverseFrequencies[j]`, `(u[2j], u[2j+1])`
  /// becomes `(u[2j] cos a - u[2j+1] sin a, u[2j] sin a + u[2j+1] cos a)`, for every head u, in
  /// place.
  ///
  /// @param heads `[T, heads*D]`
  /// @param positions I32 `[T]`
  /// @param inverseFrequencies F32 `[D/2]`
  void rope(Tensor heads, Tensor positions, Tensor inverseFrequencies);

  /// Multiplies each query by [Temperature#factor] of its position, in place.
  ///
  /// @param queries `[T, Q*D]`
  /// @param positions I32 `[T]`
  void scaleQueries(Tensor queries, Tensor positions, Temperature temperature);

  /// Writes keys and values into their cache slots.
  ///
  /// @param keys `[T, K*D]`
  /// @param values `[T, K*D]`
  /// @param slots I32 `[T]`
  void storeKv(Tensor keys, Tensor values, Tensor slots, KvLayer cache);

  /// Causal attention over paged keys and values: for each query, `softmax(q . k / sqrt(D)) v` over
  /// the positions from [AttentionSpec#firstVisible] up to its own, in this order.
  ///
  /// @param queries `[T, Q*D]`
  /// @param output `[T, Q*D]`, not `queries`
  void attend(
      Tensor queries,
      StepTokens tokens,
      BlockTables tables,
      KvLayer cache,
      AttentionSpec spec,
      Tensor output);

  /// `output = input Wt + bias`, accumulated in float32, the parts of the layer side by side.
  ///
  /// @param input `[T, A]`
  /// @param weight outputs B, inputs A, stored in any supported form
  /// @param output `[T, B]`, not `input`
  void matmul(Tensor input, Linear weight, Tensor output);

  /// `output = silu(gate) * up` with `silu(z) = z / (1 + exp(-z))`.
  ///
  /// @param gateUp `[T, 2F]`, a row's gate before its up
  /// @param output `[T, F]`
  void swiGlu(Tensor gateUp, Tensor output);

  /// Chooses for each token the k experts with the highest logits, the lower index first on a tie,
  /// and scores each with the sigmoid of its logit; orders the choices of experts that are held
  /// here by expert, stably.
  ///
  /// @param logits `[T, E]`
  /// @param held the experts whose rows are wanted: all, or those of this rank
  /// @param routing receives the result
  void route(Tensor logits, int chosen, Span held, Routing routing);

  /// Token rows by expert, each times the score of its choice.
  ///
  /// @param input `[T, H]`
  /// @param output `[T*k, H]`; rows behind those of the experts that are held stay as they are
  void gatherRows(Tensor input, Routing routing, Tensor output);

  /// One matmul per expert over the rows that were routed to it.
  ///
  /// @param input `[T*k, A]`, by expert
  /// @param weights one layer `[B, A]` per expert that is held
  /// @param output `[T*k, B]`
  void groupedMatmul(Tensor input, Routing routing, List<Linear> weights, Tensor output);

  /// Rows back in token order, those of one token added in the order of its choices; choices of
  /// experts that are not held add nothing.
  ///
  /// @param input `[T*k, H]`, by expert
  /// @param output `[T, H]`
  void scatterAdd(Tensor input, Routing routing, Tensor output);

  /// `target = target + addend`.
  ///
  /// @param addend `[T, H]`
  /// @param target `[T, H]`, in place
  void add(Tensor addend, Tensor target);

  /// Copies the rows named by `indices`.
  ///
  /// @param input `[T, H]`
  /// @param indices I32 `[R]`
  /// @param output `[R, H]`; may be the front of `input` where `indices` ascend
  void selectRows(Tensor input, Tensor indices, Tensor output);

  /// For each row: penalties, temperature, top-k, top-p, min-p, choice; and the log-probabilities
  /// that are asked for.
  ///
  /// Penalties change single logits; the candidates are then ranked by logit, the lower id first on
  /// a tie, cut to `topK`, to the shortest prefix whose probability, renormalised, reaches `topP`,
  /// and to those with at least `minP` times the best probability. The choice is the first
  /// candidate, in order of rank, at which the cumulated probability exceeds `uniform`; at
  /// temperature 0 it is the first.
  ///
  /// @param logits `[R, V]`; destroyed
  /// @param rows what is asked of each row
  List<SampleResult> sample(Tensor logits, List<SampleRow> rows);

  /// Sums each of `partials` over the ranks that share the model, in the order of the ranks, so
  /// that all have the same bits; the identity with one rank.
  ///
  /// @param partials `[T, H]` each, in place
  void allReduce(List<Tensor> partials);

  /// Puts the columns of all ranks side by side, in the order of the ranks, on the first rank.
  ///
  /// @param part `[R, B]` with B of its own on every rank
  /// @param whole `[R, sum of B]` on the first rank, untouched on others; `part` itself with one
  ///     rank
  void gatherColumns(Tensor part, Tensor whole);

  // ---- Stages ---------------------------------------------------------------------------------

  /// The first half of attention: norm, projections, rope, head norm, temperature; keys and values
  /// go to the cache, queries stay in the buffers.
  ///
  /// @param hidden `[T, H]`
  default void attentionInput(Tensor hidden, AttentionLayer layer, AttentionStep step) {
    AttentionSpec spec = layer.spec();
    StepTokens tokens = step.tokens();
    Tensor norm = step.buffers().norm(tokens.count()); // [T, H]
    Tensor query = step.buffers().query(tokens.count()); // [T, Q*D]
    Tensor key = step.buffers().key(tokens.count()); // [T, K*D]
    Tensor value = step.buffers().value(tokens.count()); // [T, K*D]
    rmsNorm(hidden, layer.norm(), layer.epsilon(), norm);
    step.probe().see("attn_norm", norm);
    projectInput(norm, layer, query, key, value);
    if (spec.usesRope()) {
      rope(query, tokens.positions(), layer.inverseFrequencies());
      rope(key, tokens.positions(), layer.inverseFrequencies());
    }
    if (spec.normalizesHeads()) {
      normHeads(query, spec.headDim(), layer.epsilon());
      normHeads(key, spec.headDim(), layer.epsilon());
    }
    if (spec.temperature().isActive()) {
      scaleQueries(query, tokens.positions(), spec.temperature());
    }
    step.probe().see("q", query);
    step.probe().see("k", key);
    step.probe().see("v", value);
    storeKv(key, value, step.tables().slots(), step.cache());
  }

  /// The three projections of attention.
  ///
  /// @param norm `[T, H]`
  /// @param query `[T, Q*D]`
  /// @param key `[T, K*D]`
  /// @param value `[T, K*D]`
  default void projectInput(
      Tensor norm, AttentionLayer layer, Tensor query, Tensor key, Tensor value) {
    matmul(norm, layer.query(), query);
    matmul(norm, layer.key(), key);
    matmul(norm, layer.value(), value);
  }

  /// The second half of attention: attend, output projection, residual.
  ///
  /// @param hidden `[T, H]`, in place
  default void attention(Tensor hidden, AttentionLayer layer, AttentionStep step) {
    StepTokens tokens = step.tokens();
    Tensor query = step.buffers().query(tokens.count()); // [T, Q*D]
    Tensor attended = step.buffers().attended(tokens.count()); // [T, Q*D]
    Tensor projected = step.buffers().projected(tokens.count()); // [T, H]
    attend(query, tokens, step.tables(), step.cache(), layer.spec(), attended);
    matmul(attended, layer.output(), projected);
    allReduce(List.of(projected));
    step.probe().see("attn", projected);
    add(projected, hidden);
  }

  /// A dense feed-forward layer with its norm and residual.
  ///
  /// @param hidden `[T, H]`, in place
  default void feedForward(
      Tensor hidden, FeedForwardLayer layer, StepBuffers buffers, Probe probe) {
    Tensor norm = buffers.norm(hidden.rows()); // [T, H]
    Tensor projected = buffers.projected(hidden.rows()); // [T, H]
    rmsNorm(hidden, layer.norm(), layer.epsilon(), norm);
    probe.see("ffn_norm", norm);
    gatedMlp(norm, layer.mlp(), buffers, projected);
    allReduce(List.of(projected));
    add(projected, hidden);
  }

  /// A mixture of experts with its norm and residual.
  ///
  /// @param hidden `[T, H]`, in place
  default void mixture(Tensor hidden, MixtureLayer layer, StepBuffers buffers, Probe probe) {
    int rows = hidden.rows() * layer.chosen();
    Tensor norm = buffers.norm(hidden.rows()); // [T, H]
    Tensor logits = buffers.routerLogits(hidden.rows()); // [T, E]
    Tensor routed = buffers.routed(hidden.rows()); // [T, H]
    Routing routing = buffers.routing();
    rmsNorm(hidden, layer.norm(), layer.epsilon(), norm);
    probe.see("ffn_norm", norm);
    matmul(norm, layer.router(), logits);
    probe.see("router_logits", logits);
    route(logits, layer.chosen(), layer.held(), routing);
    probe.see("routing", routing);
    gatherRows(norm, routing, buffers.gathered(rows)); // [T*k, H]
    Tensor gateUp = buffers.expertGateUp(rows); // [T*k, 2F]
    Tensor activated = buffers.expertActivated(rows); // [T*k, F]
    Tensor output = buffers.expertOutput(rows); // [T*k, H]
    groupedMatmul(buffers.gathered(rows), routing, layer.expertGateUp(), gateUp);
    swiGlu(gateUp, activated);
    groupedMatmul(activated, routing, layer.expertDown(), output);
    scatterAdd(output, routing, routed);
    allReduce(List.of(routed));
    probe.see("routed", routed);
    for (GatedMlp shared : layer.shared()) {
      Tensor projected = buffers.projected(hidden.rows()); // [T, H]
      gatedMlp(norm, shared, buffers, projected);
      allReduce(List.of(projected));
      probe.see("shared", projected);
      add(projected, hidden);
    }
    add(routed, hidden);
  }

  /// `output = down(silu(gate x) * up x)`.
  ///
  /// @param input `[T, H]`
  /// @param output `[T, H]`
  default void gatedMlp(Tensor input, GatedMlp mlp, StepBuffers buffers, Tensor output) {
    Tensor gateUp = buffers.gateUp(input.rows(), mlp.width()); // [T, 2F]
    Tensor activated = buffers.activated(input.rows(), mlp.width()); // [T, F]
    matmul(input, mlp.gateUp(), gateUp);
    swiGlu(gateUp, activated);
    matmul(activated, mlp.down(), output);
  }

  /// Logits of the rows that are asked for, or of this rank's tokens of the vocabulary.
  ///
  /// @param normed `[T, H]`, after the final norm
  /// @param rows I32 `[R]`, indices of tokens
  /// @param head `[V, H]`
  /// @param logits `[R, V]`
  default void head(Tensor normed, Tensor rows, Linear head, StepBuffers buffers, Tensor logits) {
    Tensor input = buffers.headInput(rows.rows()); // [R, H]
    selectRows(normed, rows, input);
    matmul(input, head, logits);
  }
}
