/// Benchmarks: checkpoints made to measure, cases, and their shares of what the machine can do.
@NullMarked
package io.sparkllama4.cli.bench;

import org.jspecify.annotations.NullMarked;
