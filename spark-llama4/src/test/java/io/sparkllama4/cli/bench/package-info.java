/// Tests of what benchmarks count and compare; what they measure is no test's business.
@NullMarked
package io.sparkllama4.cli.bench;

import org.jspecify.annotations.NullMarked;
