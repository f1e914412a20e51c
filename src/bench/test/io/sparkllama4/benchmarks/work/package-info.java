/// Tests of counted work.
@NullMarked
package io.sparkllama4.benchmarks.work;

import org.jspecify.annotations.NullMarked;
