package io.sparkllama4.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.runtime.plan.GpuPlan;
import io.sparkllama4.runtime.plan.Gpus;
import io.sparkllama4.runtime.plan.KvBytes;
import io.sparkllama4.runtime.plan.PlanRequest;
import io.sparkllama4.runtime.plan.Roofline;
import io.sparkllama4.runtime.plan.WeightBytes;

/// What `plan --json` prints. Its fields are promised; see docs/contract.md.
final class PlanDocument {
  private PlanDocument() {}

  static ObjectNode of(GpuPlan plan) {
    PlanRequest request = plan.request();
    ObjectNode document = Documents.start("spark-llama4.plan.v1");
    document.put("model", request.model().name());
    gpus(document.putObject("gpus"), request.gpus());
    document
        .put("dtype", request.weights().label())
        .put("kv_dtype", request.kv().label())
        .put("context", request.context());
    weights(document.putObject("weights"), plan.weights());
    document
        .put("workspace_bytes", request.workspaceBytes())
        .put("fits", plan.fits())
        .put("missing_bytes", plan.onGpu().missingBytes());
    ArrayNode helps = document.putArray("helps");
    plan.remedies().forEach(helps::add);
    kv(document.putObject("kv"), plan.kv())
        .put("tokens", plan.tokens())
        .put("sequences", plan.sequences());
    perGpu(document.putObject("per_gpu"), plan.onGpu());
    roofline(document.putObject("roofline"), plan.roofline());
    ArrayNode notes = document.putArray("notes");
    plan.notes().forEach(notes::add);
    return document;
  }

  private static void gpus(ObjectNode node, Gpus gpus) {
    node.put("name", gpus.type().name())
        .put("count", gpus.count())
        .put("memory_bytes", gpus.type().memoryBytes())
        .put("bytes_per_s", gpus.type().bytesPerSecond())
        .put("bf16_flop_per_s", gpus.type().bf16Flops())
        .put("fp8_flop_per_s", gpus.type().fp8Flops());
  }

  private static void weights(ObjectNode node, WeightBytes weights) {
    node.put("experts", weights.experts())
        .put("shared", weights.shared())
        .put("attention", weights.attention())
        .put("dense", weights.dense())
        .put("head", weights.head())
        .put("embedding", weights.embedding())
        .put("vision", weights.vision())
        .put("other", weights.other())
        .put("total", weights.total());
  }

  private static ObjectNode kv(ObjectNode node, KvBytes kv) {
    return node.put("global_bytes_per_token", kv.globalPerToken())
        .put("chunked_bytes_per_token", kv.chunkedPerToken());
  }

  private static void perGpu(ObjectNode node, GpuPlan.OnGpu onGpu) {
    node.put("usable_bytes", onGpu.usableBytes());
    weights(node.putObject("weights"), onGpu.weights());
    kv(node.putObject("kv"), onGpu.kv()).put("free_bytes", Math.max(0, onGpu.freeBytes()));
    node.put("query_heads", onGpu.queryHeads())
        .put("kv_heads", onGpu.kvHeads())
        .put("experts", onGpu.experts());
  }

  private static void roofline(ObjectNode node, Roofline roofline) {
    ArrayNode decode = node.putArray("decode");
    for (Roofline.Decode step : roofline.decode()) {
      decode
          .addObject()
          .put("sequences", step.sequences())
          .put("tokens_per_s", step.tokensPerSecond())
          .put("bound", step.isMemoryBound() ? "memory" : "compute");
    }
    node.put("prefill_tokens_per_s", roofline.prefillTokensPerSecond())
        .put("prefill_with_attention_tokens_per_s", roofline.prefillWithAttention())
        .put("prefill_step_tokens", roofline.prefillStepTokens());
  }
}
