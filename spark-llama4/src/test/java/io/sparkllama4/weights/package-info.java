/// Configurations as they have been published.
@NullMarked
package io.sparkllama4.weights;

import org.jspecify.annotations.NullMarked;
