/// The command line: one class per command, and the documents that they print.
///
/// Read in this order: [ModelOptions] (what the model commands share), [GenerateCommand],
/// [ScoreCommand], [InfoCommand], [BenchCommand], [PlanCommand], [GpuSelfTestCommand]; [Documents]
/// and [PlanDocument] write their JSON, [CommandFailures] says what went wrong. The commands that
/// need Spark, and the entry point that knows them all, are in `cli.spark`. This package may know
/// the runtime and what the runtime may know.
@NullMarked
package io.sparkllama4.cli;

import org.jspecify.annotations.NullMarked;
