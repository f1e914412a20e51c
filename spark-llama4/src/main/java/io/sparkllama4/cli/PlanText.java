package io.sparkllama4.cli;

import io.sparkllama4.runtime.plan.GpuPlan;
import io.sparkllama4.runtime.plan.PlanRequest;
import io.sparkllama4.runtime.plan.Roofline;
import io.sparkllama4.runtime.plan.WeightBytes;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// What `plan` prints for people.
final class PlanText {
  private static final double GIGA = 1e9;

  private final GpuPlan plan;
  private final List<String> lines = new ArrayList<>();

  private PlanText(GpuPlan plan) {
    this.plan = plan;
  }

  static List<String> lines(GpuPlan plan) {
    PlanText text = new PlanText(plan);
    text.verdict();
    text.memory();
    text.roofline();
    text.add("");
    plan.notes().forEach(note -> text.add("- " + note));
    return List.copyOf(text.lines);
  }

  private void add(String line) {
    lines.add(line);
  }

  private void verdict() {
    PlanRequest request = plan.request();
    add(
        String.format(
            Locale.ROOT,
            "%s on %s: weights %s, KV cache %s, sequences of %,d tokens",
            request.model().name(),
            request.gpus(),
            request.weights().label(),
            request.kv().label(),
            request.context()));
    if (plan.fits()) {
      add(
          String.format(
              Locale.ROOT,
              "It fits: the KV cache holds %,d tokens, %,d such sequences.",
              plan.tokens(),
              plan.sequences()));
      return;
    }
    add(
        String.format(
            Locale.ROOT,
            "It does not fit: %s GB are missing on a GPU for one such sequence.",
            gigabytes(plan.onGpu().missingBytes())));
    for (String remedy : plan.remedies()) {
      add("  what helps: " + remedy);
    }
  }

  private void memory() {
    boolean isShared = plan.request().gpus().count() > 1;
    WeightBytes all = plan.weights();
    WeightBytes one = plan.onGpu().weights();
    add("");
    row("GB", isShared ? "all GPUs" : "", isShared ? "fullest GPU" : "GPU");
    part("experts", all.experts(), one.experts());
    part("shared experts", all.shared(), one.shared());
    part("attention", all.attention(), one.attention());
    part("dense layers", all.dense(), one.dense());
    part("head", all.head(), one.head());
    part("embedding", all.embedding(), one.embedding());
    part("image encoder", all.vision(), one.vision());
    part("routers, norms", all.other(), one.other());
    part("weights", all.total(), one.total());
    row("workspace", "", gigabytes(plan.request().workspaceBytes()));
    row("KV cache", "", gigabytes(Math.max(0, plan.onGpu().freeBytes())));
    row("usable", "", gigabytes(plan.onGpu().usableBytes()));
    add("");
    add(
        String.format(
            Locale.ROOT,
            "KV bytes per token: %,d in global layers, %,d in chunked ones",
            plan.kv().globalPerToken(),
            plan.kv().chunkedPerToken()));
  }

  private void part(String name, long all, long one) {
    boolean isShared = plan.request().gpus().count() > 1;
    row(name, isShared ? gigabytes(all) : "", gigabytes(one));
  }

  private void row(String name, String all, String one) {
    add(String.format(Locale.ROOT, "%-16s%12s%14s", name, all, one));
  }

  private void roofline() {
    Roofline roofline = plan.roofline();
    if (roofline.decode().isEmpty()) {
      return;
    }
    add("");
    add("Roofline, tokens/s at most");
    for (Roofline.Decode step : roofline.decode()) {
      add(
          String.format(
              Locale.ROOT,
              "decode, %,7d sequences %,12.0f  %s",
              step.sequences(),
              step.tokensPerSecond(),
              step.isMemoryBound() ? "memory" : "compute"));
    }
    add(String.format(Locale.ROOT, "prefill, matrices %,18.0f", roofline.prefillTokensPerSecond()));
    add(
        String.format(
            Locale.ROOT, "prefill, with attention %,12.0f", roofline.prefillWithAttention()));
  }

  private static String gigabytes(long bytes) {
    return String.format(Locale.ROOT, "%.2f", bytes / GIGA);
  }
}
