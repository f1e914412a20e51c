package io.sparkllama4.runtime.plan;

import java.util.ArrayList;
import java.util.List;

/// Options that make a plan fit which does not, each found by planning with it.
final class Remedies {
  private Remedies() {}

  /// Each alone and the smallest of its kind: more GPUs, other GPUs, narrower weights, narrower
  /// keys and values, shorter sequences.
  static List<String> of(GpuPlan plan) {
    PlanRequest request = plan.request();
    List<String> remedies = new ArrayList<>();
    moreGpus(request, remedies);
    otherGpus(request, remedies);
    for (WeightDtype dtype : WeightDtype.values()) {
      boolean isNarrower = dtype.compareTo(request.weights()) > 0;
      if (isNarrower && fits(request.with(dtype))) {
        remedies.add("--dtype " + dtype.label());
        break;
      }
    }
    if (request.kv() != KvDtype.FP8 && fits(request.with(KvDtype.FP8))) {
      remedies.add("--kv-dtype " + KvDtype.FP8.label());
    }
    GpuPlan.OnGpu onGpu = plan.onGpu();
    long longest = onGpu.kv().longest(onGpu.freeBytes(), request.context());
    if (longest > 0) {
      remedies.add("--context " + longest);
    }
    return remedies;
  }

  private static void moreGpus(PlanRequest request, List<String> remedies) {
    for (int count = request.gpus().count() + 1; count <= Gpus.MOST; count++) {
      Gpus more = request.gpus().withCount(count);
      if (fits(request.with(more))) {
        remedies.add("--gpus " + more);
        return;
      }
    }
  }

  private static void otherGpus(PlanRequest request, List<String> remedies) {
    for (GpuType type : GpuType.values()) {
      Gpus other = new Gpus(type, request.gpus().count());
      boolean isLarger = type.memoryBytes() > request.gpus().type().memoryBytes();
      if (isLarger && fits(request.with(other))) {
        remedies.add("--gpus " + other);
        return;
      }
    }
  }

  private static boolean fits(PlanRequest request) {
    return GpuPlan.memory(request).fits();
  }
}
