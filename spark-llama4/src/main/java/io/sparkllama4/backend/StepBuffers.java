package io.sparkllama4.backend;

import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Shape;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// The scratch memory of a step, at fixed addresses, for up to a given number of tokens.
///
/// Stages write their intermediates here; nothing in it outlives the step. T tokens, H hidden, Q
/// and K heads of D, E experts, k chosen, F expert width, R rows of logits, V vocabulary.
public final class StepBuffers implements AutoCloseable {
  /// The sizes that buffers depend on.
  ///
  /// @param hidden H
  /// @param queryWidth Q*D
  /// @param kvWidth K*D
  /// @param denseWidth the widest network that every token passes through, 0 without any
  /// @param experts E, 0 without any mixture
  /// @param chosen k
  /// @param expertWidth F of the routed experts
  /// @param vocabulary V, 0 on a rank that does not sample
  /// @param logitsPart of them those that this rank makes, where ranks share the head; 0 where it
  ///     makes all
  public record Sizes(
      int hidden,
      int queryWidth,
      int kvWidth,
      int denseWidth,
      int experts,
      int chosen,
      int expertWidth,
      int vocabulary,
      int logitsPart) {

    /// The same with logits as ranks share them.
    public Sizes withLogits(int all, int part) {
      return new Sizes(
          hidden, queryWidth, kvWidth, denseWidth, experts, chosen, expertWidth, all, part);
    }
  }

  private final Allocator memory;
  private final int tokens;
  private final int logitRows;

  private final Tensor hidden;
  private final Tensor norm;
  private final Tensor query;
  private final Tensor key;
  private final Tensor value;
  private final Tensor attended;
  private final Tensor projected;
  private final Tensor gateUp;
  private final Tensor activated;
  private final Tensor routerLogits;
  private final Tensor gathered;
  private final Tensor expertGateUp;
  private final Tensor expertActivated;
  private final Tensor expertOutput;
  private final Tensor routed;
  private final Tensor headInput;
  private final Tensor logits;
  private final Tensor logitsPart;
  private final Routing routing;

  /// Allocates all buffers, or none where it fails.
  ///
  /// @param tokens most tokens of a step
  /// @param logitRows most rows of logits that are made at once
  public StepBuffers(Backend backend, Sizes sizes, int tokens, int logitRows) {
    this.memory = backend.allocator();
    this.tokens = tokens;
    this.logitRows = logitRows;
    List<Tensor> all = new ArrayList<>();
    try {
      for (long[] shape : shapes(sizes, tokens, logitRows)) {
        all.add(memory.allocate(DType.F32, shape));
      }
      routing = backend.allocateRouting(tokens, sizes.experts(), sizes.chosen(), memory);
    } catch (RuntimeException | Error e) {
      memory.close();
      throw e;
    }
    int next = 0;
    hidden = all.get(next++);
    norm = all.get(next++);
    query = all.get(next++);
    key = all.get(next++);
    value = all.get(next++);
    attended = all.get(next++);
    projected = all.get(next++);
    gateUp = all.get(next++);
    activated = all.get(next++);
    routerLogits = all.get(next++);
    gathered = all.get(next++);
    expertGateUp = all.get(next++);
    expertActivated = all.get(next++);
    expertOutput = all.get(next++);
    routed = all.get(next++);
    headInput = all.get(next++);
    logits = all.get(next++);
    logitsPart = sizes.logitsPart() == 0 ? logits : all.get(next);
  }

  /// The shapes of the buffers in the order of the constructor: the one place that memory planning
  /// and allocation share.
  private static long[][] shapes(Sizes s, long t, long r) {
    long rows = t * s.chosen();
    boolean mixture = s.experts() > 0;
    return new long[][] {
      {t, s.hidden()},
      {t, s.hidden()},
      {t, s.queryWidth()},
      {t, s.kvWidth()},
      {t, s.kvWidth()},
      {t, s.queryWidth()},
      {t, s.hidden()},
      {t, 2L * s.denseWidth()},
      {t, s.denseWidth()},
      {t, s.experts()},
      {mixture ? rows : 0, s.hidden()},
      {mixture ? rows : 0, 2L * s.expertWidth()},
      {mixture ? rows : 0, s.expertWidth()},
      {mixture ? rows : 0, s.hidden()},
      {mixture ? t : 0, s.hidden()},
      {r, s.hidden()},
      {r, s.vocabulary()},
      {r, s.logitsPart()}
    };
  }

  /// The memory that these take, in bytes.
  public long bytes() {
    return memory.bytes();
  }

  /// The memory that buffers of these sizes take, in bytes.
  public static long bytes(Sizes sizes, int tokens, int logitRows) {
    long bytes = 0;
    for (long[] shape : shapes(sizes, tokens, logitRows)) {
      bytes += Shape.of(shape).elements() * DType.F32.bytes();
    }
    return bytes;
  }

  /// The most tokens that fit.
  public int tokenCapacity() {
    return tokens;
  }

  /// The most rows of logits that fit.
  public int logitRowCapacity() {
    return logitRows;
  }

  /// The residual stream, `[T, H]`.
  public Tensor hidden(int count) {
    return hidden.rows(count);
  }

  /// The normed input of the current half-layer, `[T, H]`.
  public Tensor norm(int count) {
    return norm.rows(count);
  }

  /// Queries, `[T, Q*D]`.
  public Tensor query(int count) {
    return query.rows(count);
  }

  /// Keys, `[T, K*D]`.
  public Tensor key(int count) {
    return key.rows(count);
  }

  /// Values, `[T, K*D]`.
  public Tensor value(int count) {
    return value.rows(count);
  }

  /// Weighted values, `[T, Q*D]`.
  public Tensor attended(int count) {
    return attended.rows(count);
  }

  /// What a half-layer adds to the residual stream, `[T, H]`.
  public Tensor projected(int count) {
    return projected.rows(count);
  }

  /// Gate and up of a dense or shared network of `width`, `[T, 2*width]`.
  public Tensor gateUp(int count, int width) {
    return compact(gateUp, count, 2L * width);
  }

  /// The product of the activated gate with up, `[T, width]`.
  public Tensor activated(int count, int width) {
    return compact(activated, count, width);
  }

  /// Router logits, `[T, E]`.
  public Tensor routerLogits(int count) {
    return routerLogits.rows(count);
  }

  /// Tokens by expert, times their scores, `[T*k, H]`.
  public Tensor gathered(int rows) {
    return gathered.rows(rows);
  }

  /// Gate and up of the routed experts, `[T*k, 2F]`.
  public Tensor expertGateUp(int rows) {
    return expertGateUp.rows(rows);
  }

  /// The activated product of the routed experts, `[T*k, F]`.
  public Tensor expertActivated(int rows) {
    return expertActivated.rows(rows);
  }

  /// What the routed experts give, by expert, `[T*k, H]`.
  public Tensor expertOutput(int rows) {
    return expertOutput.rows(rows);
  }

  /// What the routed experts give, by token, `[T, H]`.
  public Tensor routed(int count) {
    return routed.rows(count);
  }

  /// Normed rows whose logits are wanted, `[R, H]`.
  public Tensor headInput(int rows) {
    return headInput.rows(rows);
  }

  /// All logits, `[R, V]`, on the rank that samples.
  public Tensor logits(int rows) {
    return logits.rows(rows);
  }

  /// Logits that this rank makes, `[R, V]` with one rank.
  public Tensor logitsPart(int rows) {
    return logitsPart.rows(rows);
  }

  /// The routing of the current layer.
  public Routing routing() {
    return routing;
  }

  private static Tensor compact(Tensor buffer, int count, long width) {
    return new Tensor(
        DType.F32, Shape.of(count, width), buffer.data().asSlice(0, 4L * count * width));
  }

  @Override
  public void close() {
    memory.close();
  }
}
