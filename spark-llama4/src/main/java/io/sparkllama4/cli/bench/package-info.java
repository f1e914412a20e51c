/// Benchmarks: checkpoints made to measure, cases, and their shares of what the machine can do.
///
/// Read in this order: [ModelShape] and [MadeCheckpoint] (what is measured), [Cases] (one by one),
/// [Work] and [Measured] (from seconds to shares), [Machine].
///
/// The kernels and the engine are measured as they are, below the runtime: a tokenizer would only
/// blur the figures. This package may know the engine, the weights and what they may know; only the
/// command in `cli` uses it.
@NullMarked
package io.sparkllama4.cli.bench;

import org.jspecify.annotations.NullMarked;
