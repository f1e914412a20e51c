package io.sparkllama4.runtime.plan;

import io.sparkllama4.model.DecoderSpec;
import java.util.List;

/// What fits where, and the most that it could reach.
///
/// @param request what was asked
/// @param weights of one copy of the model, over all GPUs
/// @param kv of one copy of the cache, over all GPUs
/// @param onGpu what lies on the fullest GPU
/// @param sequences how many sequences of the asked context the cache holds
/// @param tokens how many tokens the cache holds, in such sequences and a shorter last one
/// @param roofline tokens per second; none where it does not fit
/// @param remedies options that make it fit, each alone; empty where it fits
public record GpuPlan(
    PlanRequest request,
    WeightBytes weights,
    KvBytes kv,
    OnGpu onGpu,
    long sequences,
    long tokens,
    Roofline roofline,
    List<String> remedies) {

  /// The fullest of the GPUs.
  ///
  /// @param usableBytes memory that is planned with
  /// @param weights its weights
  /// @param kv its keys and values
  /// @param freeBytes what is left for keys and values; negative where weights and workspace do not
  ///     fit
  /// @param missingBytes what is missing for one sequence of the asked context; 0 where it fits
  /// @param queryHeads query heads of a layer
  /// @param kvHeads key heads of a layer
  /// @param experts routed experts of a layer
  public record OnGpu(
      long usableBytes,
      WeightBytes weights,
      KvBytes kv,
      long freeBytes,
      long missingBytes,
      int queryHeads,
      int kvHeads,
      int experts) {}

  /// Copies the list.
  public GpuPlan {
    remedies = List.copyOf(remedies);
  }

  /// Whether weights, workspace and one sequence of the asked context fit.
  public boolean fits() {
    return onGpu.missingBytes() == 0;
  }

  /// Plans.
  public static GpuPlan of(PlanRequest request) {
    GpuPlan plan = memory(request);
    if (!plan.fits()) {
      return plan.with(Roofline.NONE, Remedies.of(plan));
    }
    ModelShare share = ModelShare.of(request.model().outline().spec(), request.gpus().count());
    OnGpu onGpu = plan.onGpu();
    return plan.with(
        Roofline.of(request, share, onGpu.weights(), onGpu.kv(), plan.sequences()), List.of());
  }

  /// The memory alone.
  static GpuPlan memory(PlanRequest request) {
    DecoderSpec spec = request.model().outline().spec();
    int count = request.gpus().count();
    ModelShare share = ModelShare.of(spec, count);
    WeightBytes weights = weights(request, share);
    KvBytes kv = KvBytes.of(spec, request.kv(), count);
    long usable = request.gpus().usableBytes();
    long free = usable - weights.total() - request.workspaceBytes();
    int context = request.context();
    var attention = spec.layers().getFirst().attention();
    OnGpu onGpu =
        new OnGpu(
            usable,
            weights,
            kv,
            free,
            Math.max(0, kv.perSequence(context) - free),
            ModelShare.queryHeads(attention, count),
            ModelShare.kvHeads(attention, count),
            share.routed().here());
    return new GpuPlan(
        request,
        weights(request, ModelShare.of(spec, 1)),
        KvBytes.of(spec, request.kv(), 1),
        onGpu,
        kv.sequences(free, context),
        kv.tokens(free, context),
        Roofline.NONE,
        List.of());
  }

  private static WeightBytes weights(PlanRequest request, ModelShare share) {
    return WeightBytes.of(share, request.weights(), request.visionParameters());
  }

  private GpuPlan with(Roofline other, List<String> found) {
    return new GpuPlan(request, weights, kv, onGpu, sequences, tokens, other, found);
  }

  /// What a reader should know, in sentences.
  public List<String> notes() {
    return PlanNotes.of(this);
  }
}
