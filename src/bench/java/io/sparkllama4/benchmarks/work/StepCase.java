package io.sparkllama4.benchmarks.work;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.model.DecoderSpec;
import io.sparkllama4.model.LayerSpec;
import io.sparkllama4.runtime.plan.GpuPlan;
import io.sparkllama4.runtime.plan.GpuType;
import io.sparkllama4.runtime.plan.Gpus;
import io.sparkllama4.runtime.plan.KvDtype;
import io.sparkllama4.runtime.plan.PlanRequest;
import io.sparkllama4.runtime.plan.PlannedModel;
import io.sparkllama4.runtime.plan.Roofline;
import io.sparkllama4.runtime.plan.WeightDtype;
import java.util.OptionalInt;
import java.util.OptionalLong;

/// A step of a published model on one of the GPUs that share it.
///
/// @param request what `plan` is asked for it
/// @param sequences that share the step
/// @param tokens of each in the step: 1 where they generate, else all of a prompt
/// @param terms of brain floats that inputs of products are made of: 2 under strict
record StepCase(PlanRequest request, int sequences, int tokens, int terms) {
  /// Sequences of `context` tokens that are given a token each.
  static StepCase decode(PlanRequest request, int sequences, int terms) {
    return new StepCase(request, sequences, 1, terms);
  }

  /// A prompt as long as the request's context.
  static StepCase prefill(PlanRequest request, int terms) {
    return new StepCase(request, 1, request.context(), terms);
  }

  /// What `plan` is asked for, with keys and values in fp8.
  static PlanRequest request(String model, String gpus, String weights, int context) {
    return PlanRequest.of(
        PlannedModel.of(model),
        Gpus.parse(gpus),
        WeightDtype.named(weights),
        KvDtype.FP8,
        OptionalInt.of(context),
        false,
        OptionalLong.empty());
  }

  DecoderSpec spec() {
    return request.model().outline().spec();
  }

  GpuType card() {
    return request.gpus().type();
  }

  int ranks() {
    return request.gpus().count();
  }

  boolean generates() {
    return tokens == 1;
  }

  int rows() {
    return sequences * tokens;
  }

  /// Pairs of a query and a key that it sees, in a layer.
  double pairs() {
    return generates()
        ? (double) sequences * request.context()
        : (double) sequences * tokens * (tokens + 1) / 2;
  }

  AttentionSpec attention() {
    return spec().layers().getFirst().attention();
  }

  /// How many layers have such a second half.
  long layers(Class<? extends LayerSpec.FeedForwardSpec> kind) {
    return spec().layers().stream().filter(layer -> kind.isInstance(layer.feedForward())).count();
  }

  /// The shortest time that the card allows the step, in seconds, by `plan`.
  double roofline() {
    Roofline all = GpuPlan.of(request).roofline();
    if (!generates()) {
      // Reading all weights takes as long as multiplying so many tokens with them.
      double reading = all.prefillStepTokens() / all.prefillTokensPerSecond();
      return Math.max(rows() / all.prefillWithAttention(), reading);
    }
    return all.decode().stream()
        .filter(decode -> decode.sequences() == sequences)
        .mapToDouble(decode -> sequences / decode.tokensPerSecond())
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("So many sequences do not fit: " + sequences));
  }
}
