/// Benchmarks: checkpoints made to measure, cases, and their shares of what the machine can do.
///
/// Read in this order: [ModelShape] and [MadeCheckpoint] (what is measured), [Case] and its forms
/// (one by one), [Work], [Speeds] and [Measured] (from seconds to shares), [Benchmark], which runs
/// them in turn, and [BenchReport].
///
/// A model is opened as everybody opens one, with every option, and its engine is given token ids:
/// a tokenizer would only blur the figures. This package may know the runtime and what the runtime
/// may know; only the commands in `cli` and `cli.spark` and the self-test in `cli.gpu` use it.
@NullMarked
package io.sparkllama4.cli.bench;

import org.jspecify.annotations.NullMarked;
