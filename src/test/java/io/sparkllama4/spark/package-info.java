/// Queries end to end: Spark in this process, the extension and the plugin by name as a user's
/// configuration has them, oracles' checkpoints.
@NullMarked
package io.sparkllama4.spark;

import org.jspecify.annotations.NullMarked;
