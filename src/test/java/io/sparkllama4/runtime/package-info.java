/// Whole models: what they take from the machine.
@NullMarked
package io.sparkllama4.runtime;

import org.jspecify.annotations.NullMarked;
