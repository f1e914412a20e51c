/// Tests of the host's costs: that they are counted, not how many there are.
@NullMarked
package io.sparkllama4.benchmarks.host;

import org.jspecify.annotations.NullMarked;
