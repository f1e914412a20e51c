/// Continuous batching: rows of all callers go through one decoder together, each with an answer
/// that depends on the row, its options and its seed alone.
///
/// Read in this order: [Engine] (submit, cancel, close), [PromptBatch] and [SamplingParams] (what
/// comes in), [Submission] and [Completion] (what goes out); then the inside: `EngineLoop` (the one
/// thread), `Sequence`, `Scheduler` with `WaitingRows` and `StepPlan` (who computes what next),
/// `KvBlocks` (where keys and values are kept), `StepRunner` (from plan to kernels), `Sampler`,
/// `StopTexts` and `Choice` (from logits to tokens and ends). This package may know the model. It
/// knows no tokenizer, no checkpoint and no Spark: text comes in through [OutputText].
@NullMarked
package io.sparkllama4.engine;

import org.jspecify.annotations.NullMarked;
