/// What fits on which GPUs, and the most that it could reach there: arithmetic on a configuration.
///
/// Read in this order: [PlanRequest] (what is asked), [PlannedModel] (from a directory or one of
/// the published shapes), [ModelShare] and [Matrices] (weights on a GPU), [WeightBytes] and
/// [KvBytes] (memory), [Roofline] (tokens per second), [GpuPlan] (all of it), [Remedies] and
/// [PlanNotes] (what would help, what to know). The formulas stand in docs/gpu.md. This package may
/// know the model and its configuration; it knows no device, and nothing in it is measured.
@NullMarked
package io.sparkllama4.runtime.plan;

import org.jspecify.annotations.NullMarked;
