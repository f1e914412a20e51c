package io.sparkllama4.rows;

import io.sparkllama4.engine.Completion;
import java.io.Serializable;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.execution.metric.SQLMetrics;

/// What an inference operator counts, for the SQL tab.
///
/// @param rows rows that entered
/// @param calls model calls that were submitted
/// @param promptTokens tokens of their prompts
/// @param cachedTokens those whose keys and values were reused
/// @param generatedTokens tokens of their outputs
/// @param prefillTime their share of the engine's time, for prompts
/// @param decodeTime their share of the engine's time, for outputs
public record InferenceMetrics(
    SQLMetric rows,
    SQLMetric calls,
    SQLMetric promptTokens,
    SQLMetric cachedTokens,
    SQLMetric generatedTokens,
    SQLMetric prefillTime,
    SQLMetric decodeTime)
    implements Serializable {

  /// New metrics.
  public static InferenceMetrics create(SparkContext context) {
    return new InferenceMetrics(
        SQLMetrics.createMetric(context, "rows"),
        SQLMetrics.createMetric(context, "model calls"),
        SQLMetrics.createMetric(context, "prompt tokens"),
        SQLMetrics.createMetric(context, "cached tokens"),
        SQLMetrics.createMetric(context, "generated tokens"),
        SQLMetrics.createNanoTimingMetric(context, "prefill time", 0),
        SQLMetrics.createNanoTimingMetric(context, "decode time", 0));
  }

  /// The metrics by the names that programs look them up by.
  public Map<String, SQLMetric> byName() {
    Map<String, SQLMetric> metrics = new LinkedHashMap<>();
    metrics.put("rows", rows);
    metrics.put("calls", calls);
    metrics.put("promptTokens", promptTokens);
    metrics.put("cachedTokens", cachedTokens);
    metrics.put("generatedTokens", generatedTokens);
    metrics.put("prefillTime", prefillTime);
    metrics.put("decodeTime", decodeTime);
    return metrics;
  }

  void count(Completion.Usage usage) {
    promptTokens.add(usage.promptTokens());
    cachedTokens.add(usage.cachedTokens());
    generatedTokens.add(usage.completionTokens());
    prefillTime.add(usage.prefillNanos());
    decodeTime.add(usage.decodeNanos());
  }
}
