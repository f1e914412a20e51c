/// The oracles: what the reference implementation gives for small checkpoints, and that we give the
/// same, in every way that the engine can be asked.
@NullMarked
package io.sparkllama4.golden;

import org.jspecify.annotations.NullMarked;
