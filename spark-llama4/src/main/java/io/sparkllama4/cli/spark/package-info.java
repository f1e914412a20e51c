/// The commands that need Spark, and the entry point that knows all commands.
///
/// Read in this order: [Main], [SqlCommand] with [Statements], [LocalSession] and [PlanFigures],
/// [DemoCommand]. They configure Spark as any user would: the extension and the plugin are named by
/// text.
@NullMarked
package io.sparkllama4.cli.spark;

import org.jspecify.annotations.NullMarked;
