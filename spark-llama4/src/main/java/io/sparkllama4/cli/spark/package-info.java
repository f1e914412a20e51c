/// The commands that need Spark, and the entry point that knows all commands.
///
/// Read in this order: [Main], [SqlCommand] with [Statements], [LocalSession] and [PlanFigures],
/// [DemoCommand]. They configure Spark as any user would: the extension, the plugin and the
/// operator in a plan are known by name alone. This package may know `cli`, what `cli` may know,
/// and Spark.
@NullMarked
package io.sparkllama4.cli.spark;

import org.jspecify.annotations.NullMarked;
