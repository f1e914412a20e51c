package io.sparkllama4.benchmarks.host;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.cli.bench.BenchReport;
import io.sparkllama4.runtime.plan.GpuPlan;
import io.sparkllama4.runtime.plan.Gpus;
import io.sparkllama4.runtime.plan.KvDtype;
import io.sparkllama4.runtime.plan.PlanRequest;
import io.sparkllama4.runtime.plan.PlannedModel;
import io.sparkllama4.runtime.plan.Roofline;
import io.sparkllama4.runtime.plan.WeightDtype;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.OptionalLong;

/// The figures, beside what the roofline gives a step of as many sequences of Scout with 4-bit
/// weights on one H100.
///
/// @param measured what was measured
/// @param steps by what became of them
/// @param times of those that were played
record HostReport(HostCase measured, HostClock.Steps steps, HostClock.Times times) {
  private static final double MILLI = 1e-6;

  /// The smallest value that the `share` of the steps do not exceed.
  private static double quantile(long[] sorted, double share) {
    return MILLI * sorted[(int) Math.min(sorted.length - 1L, (long) (share * sorted.length))];
  }

  /// What memory and arithmetic allow such a step, in milliseconds. The contexts are as short as
  /// those that were measured, so that the step is short as well.
  private double rooflineMillis() {
    GpuPlan plan =
        GpuPlan.of(
            PlanRequest.of(
                PlannedModel.of("scout"),
                Gpus.parse("1xH100"),
                WeightDtype.INT4,
                KvDtype.FP8,
                OptionalInt.of(measured.context()),
                false,
                OptionalLong.empty()));
    Roofline.Decode decode = plan.roofline().decode().getFirst();
    for (Roofline.Decode each : plan.roofline().decode()) {
      // The next smaller number of sequences that the roofline has.
      decode = each.sequences() <= measured.sequences() ? each : decode;
    }
    return 1e3 * decode.sequences() / decode.tokensPerSecond();
  }

  /// All of it for programs, on one line.
  ObjectNode document() {
    ObjectNode document =
        JsonNodeFactory.instance
            .objectNode()
            .put("schema", "spark-llama4.bench-host.v1")
            .put("peer", "spark-llama4");
    BenchReport.describeMachine(document);
    document
        .put("layers", HostModel.LAYERS)
        .put("sequences", measured.sequences())
        .put("prompt", measured.prompt())
        .put("tokens", measured.tokens())
        .put("sampling", measured.isSampled() ? "sampled" : "greedy");
    document
        .putObject("steps")
        .put("played", steps.played())
        .put("recorded", steps.recorded())
        .put("plain", steps.plain())
        .put("other", steps.other());
    double host = quantile(times.host(), 0.5);
    double backend = quantile(times.backend(), 0.5);
    document
        .putObject("host_ms")
        .put("median", host)
        .put("least", quantile(times.host(), 0))
        .put("p90", quantile(times.host(), 0.9))
        .put("backend_median", backend)
        .put("engine_median", quantile(times.engine(), 0.5));
    document.put("host_us_per_sequence", 1e3 * host / measured.sequences());
    document.put("driver_ms", quantile(times.driver(), 0.5));
    document
        .putObject("roofline")
        .put("model", "scout")
        .put("gpus", "1xH100")
        .put("dtype", "int4")
        .put("kv_dtype", "fp8")
        .put("context", measured.context())
        .put("step_ms", rooflineMillis());
    document.put("share_of_roofline", host / rooflineMillis());
    return document;
  }

  /// The same for people.
  String text() {
    double host = quantile(times.host(), 0.5);
    return String.format(
        Locale.ROOT,
        "A step of %d sequences costs the host %.3f ms outside the driver (median of %d played"
            + " steps; least %.3f, nine of ten at most %.3f), %.1f us a sequence:%n"
            + "  %.3f ms in the backend, %.3f ms in the engine (planning, sampling, text).%n"
            + "That is %.1f %% of the %.1f ms that the roofline gives such a step of Scout, int4, on"
            + " one H100.%n"
            + "Other steps: %d recorded, %d plain, %d with prompts or fewer sequences.%n",
        measured.sequences(),
        host,
        steps.played(),
        quantile(times.host(), 0),
        quantile(times.host(), 0.9),
        1e3 * host / measured.sequences(),
        quantile(times.backend(), 0.5),
        quantile(times.engine(), 0.5),
        100 * host / rooflineMillis(),
        rooflineMillis(),
        steps.recorded(),
        steps.plain(),
        steps.other());
  }
}
