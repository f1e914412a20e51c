/// Between Spark's rows and the engine's batches: windows of rows become Arrow token batches,
/// completions become values, in the order of the input.
///
/// Read in this order: [CallPlan] (what is asked of a partition), [PartitionInference] (a window of
/// rows in flight), [TokenBatch] (token ids in Arrow), [RowOptions] (options from a row's columns),
/// [ResultValues] (completions to Spark's values), [InferenceMetrics]. This package may know
/// Spark's rows, the plugin and the runtime; it knows no query plan.
@NullMarked
package io.sparkllama4.rows;

import org.jspecify.annotations.NullMarked;
