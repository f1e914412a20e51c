/// Helpers and tests that need to look behind the package's public face.
@NullMarked
package io.sparkllama4.weights;

import org.jspecify.annotations.NullMarked;
