package io.sparkllama4.runtime.plan;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.model.DecoderSpec;
import io.sparkllama4.model.KvGroup;
import io.sparkllama4.weights.Warning;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// What a reader of a plan should know, in sentences.
final class PlanNotes {
  private final GpuPlan plan;
  private final PlanRequest request;
  private final DecoderSpec spec;
  private final List<String> notes = new ArrayList<>();

  private PlanNotes(GpuPlan plan) {
    this.plan = plan;
    this.request = plan.request();
    this.spec = request.model().outline().spec();
  }

  static List<String> of(GpuPlan plan) {
    PlanNotes notes = new PlanNotes(plan);
    notes.add(
        "Computed from published figures by the formulas of docs/gpu.md; nothing is measured.");
    notes.notes.addAll(plan.request().model().assumptions());
    notes.memory();
    notes.chunks();
    notes.ranks();
    notes.arithmetic();
    for (Warning warning : plan.request().model().outline().warnings()) {
      notes.add(warning.code() + ": " + warning.message());
    }
    return List.copyOf(notes.notes);
  }

  private void add(String note) {
    notes.add(note);
  }

  private void memory() {
    if (!plan.fits()) {
      add(
          String.format(
              Locale.ROOT,
              "It does not fit: [%,d] bytes are missing on a GPU for one sequence of [%,d] tokens. %s",
              plan.onGpu().missingBytes(),
              request.context(),
              plan.remedies().isEmpty()
                  ? "No single option helps; combine more GPUs, narrower weights and shorter sequences."
                  : "What helps, each alone: " + String.join(", ", plan.remedies()) + "."));
    }
    if (plan.weights().host() > 0) {
      add(
          String.format(
              Locale.ROOT,
              "The table of embeddings, [%,d] bytes in bf16, lies in the host's memory.",
              plan.weights().host()));
    }
    long vision = request.model().outline().visionParameters();
    if (vision > 0 && !request.images()) {
      add(
          String.format(
              Locale.ROOT,
              "The image encoder, [%,d] bytes in bf16, is not loaded for text; --images on counts it.",
              2 * vision));
    }
    add(
        String.format(
            Locale.ROOT,
            "Planned with 94 %% of a GPU's memory: [%,d] of [%,d] bytes.",
            plan.onGpu().usableBytes(),
            request.gpus().type().memoryBytes()));
  }

  private void chunks() {
    int chunked = spec.layersOf(KvGroup.CHUNKED).size();
    if (chunked == 0) {
      return;
    }
    add(
        String.format(
            Locale.ROOT,
            "[%d] of [%d] layers see their own chunk of [%,d] tokens alone and give closed chunks back: a"
                + " sequence of N tokens takes N times the global and min(N, %d) times the chunked bytes"
                + " per token. The number of tokens is that of sequences of [%,d] tokens.",
            chunked,
            spec.layers().size(),
            spec.chunk(),
            spec.chunk(),
            request.context()));
  }

  private void ranks() {
    int count = request.gpus().count();
    if (count == 1) {
      return;
    }
    AttentionSpec attention = spec.layers().getFirst().attention();
    add(
        String.format(
            Locale.ROOT,
            "A layer on the fullest of [%d] GPUs has [%d] of [%d] query heads, [%d] of [%d] key heads and"
                + " [%d] of [%d] experts; routers and norms are on all of them.",
            count,
            plan.onGpu().queryHeads(),
            attention.heads(),
            plan.onGpu().kvHeads(),
            attention.kvHeads(),
            plan.onGpu().experts(),
            spec.bufferSizes().experts()));
    if (count > attention.kvHeads()) {
      add(
          String.format(
              Locale.ROOT,
              "A key head is not cut: with [%d] GPUs for [%d] key heads several keep the same keys and"
                  + " values, and a token takes as much on each as with [%d] GPUs.",
              count,
              attention.kvHeads(),
              attention.kvHeads()));
    }
  }

  private void arithmetic() {
    GpuType type = request.gpus().type();
    if (request.weights() == WeightDtype.FP8 && !type.computesFp8()) {
      add(
          String.format(
              Locale.ROOT, "[%s] does not multiply 8-bit floats: they are widened to bf16.", type));
    }
    if (!plan.fits()) {
      return;
    }
    add(
        String.format(
            Locale.ROOT,
            "Decode: sequences of [%,d] tokens each, experts equally likely. Prefill: every product at"
                + " full rate, which needs steps of [%,d] tokens or more; prefill_tokens_per_s counts the"
                + " matrices, prefill_with_attention_tokens_per_s the attention of whole prompts of"
                + " [%,d] tokens too.",
            request.context(),
            plan.roofline().prefillStepTokens(),
            request.context()));
  }
}
