/// Tests of the page of figures.
@NullMarked
package io.sparkllama4.benchmarks.report;

import org.jspecify.annotations.NullMarked;
