package io.sparkllama4.runtime.plan;

import io.sparkllama4.model.DecoderSpec;
import java.util.OptionalInt;
import java.util.OptionalLong;

/// Plans as the command line asks for them.
final class Plans {
  private Plans() {}

  static DecoderSpec spec(String model) {
    return PlannedModel.of(model).outline().spec();
  }

  /// A request without workspace.
  static PlanRequest request(String model, String gpus, String dtype, String kv, int context) {
    return PlanRequest.of(
        PlannedModel.of(model),
        Gpus.parse(gpus),
        WeightDtype.named(dtype),
        KvDtype.named(kv),
        OptionalInt.of(context),
        false,
        OptionalLong.of(0));
  }

  /// A plan without workspace.
  static GpuPlan plan(String model, String gpus, String dtype, String kv, int context) {
    return GpuPlan.of(request(model, gpus, dtype, kv, context));
  }

  /// The tokens per second of decoding with that many sequences.
  static double decode(GpuPlan plan, long sequences) {
    return plan.roofline().decode().stream()
        .filter(step -> step.sequences() == sequences)
        .findFirst()
        .orElseThrow()
        .tokensPerSecond();
  }
}
