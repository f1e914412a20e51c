package io.sparkllama4.runtime.plan;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import java.util.OptionalInt;
import java.util.OptionalLong;

/// What a plan is asked for.
///
/// @param model the model
/// @param gpus where it is to run
/// @param weights the form of its weights
/// @param kv the type of its keys and values
/// @param context tokens of a sequence, prompt and output together
/// @param images whether the image encoder is loaded
/// @param workspaceBytes what a GPU needs besides weights and KV cache, in bytes
public record PlanRequest(
    PlannedModel model,
    Gpus gpus,
    WeightDtype weights,
    KvDtype kv,
    int context,
    boolean images,
    long workspaceBytes) {
  /// The context that is planned with where none is asked for.
  private static final int USUAL_CONTEXT = 8192;

  /// @throws io.sparkllama4.error.Llama4Exception with INVALID_OPTION for a context that the model
  ///     does not have or a negative workspace
  public PlanRequest {
    int most = model.outline().spec().maxPositions();
    if (context < 1 || context > most) {
      throw ErrorReport.of(
              ErrorCode.INVALID_OPTION, "Cannot plan sequences of [" + context + "] tokens")
          .found(context, "1 to " + most + ", the model's max_position_embeddings")
          .key("--context")
          .exception();
    }
    if (workspaceBytes < 0) {
      throw ErrorReport.of(
              ErrorCode.INVALID_OPTION, "Cannot plan a workspace of [" + workspaceBytes + "] bytes")
          .found(workspaceBytes, "0 or more")
          .key("--workspace")
          .exception();
    }
  }

  /// A request whose missing parts take their defaults: 8192 tokens of context, or the model's
  /// longest sequence where that is shorter, and the estimated workspace.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with INVALID_OPTION
  public static PlanRequest of(
      PlannedModel model,
      Gpus gpus,
      WeightDtype weights,
      KvDtype kv,
      OptionalInt context,
      boolean images,
      OptionalLong workspaceBytes) {
    var spec = model.outline().spec();
    return new PlanRequest(
        model,
        gpus,
        weights,
        kv,
        context.orElse(Math.min(USUAL_CONTEXT, spec.maxPositions())),
        images,
        workspaceBytes.orElse(Workspace.estimate(spec)));
  }

  /// Weights of the image encoder that are loaded.
  long visionParameters() {
    return images ? model.outline().visionParameters() : 0;
  }

  PlanRequest with(Gpus other) {
    return new PlanRequest(model, other, weights, kv, context, images, workspaceBytes);
  }

  PlanRequest with(WeightDtype other) {
    return new PlanRequest(model, gpus, other, kv, context, images, workspaceBytes);
  }

  PlanRequest with(KvDtype other) {
    return new PlanRequest(model, gpus, weights, other, context, images, workspaceBytes);
  }
}
