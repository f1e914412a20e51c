/// Tests of the bundled model, its tickets and the demo.
@NullMarked
package io.sparkllama4.examples;

import org.jspecify.annotations.NullMarked;
